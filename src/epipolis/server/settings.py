"""Django's settings. Everything a city may choose is an environment variable; ARCHITECTURE.md lists them."""

import os
from base64 import urlsafe_b64encode
from pathlib import Path

from django.utils.translation import gettext_lazy as _

from epipolis.core import database
from epipolis.core.modules import packages
from epipolis.core.sealing import key

ROOT = Path(os.environ.get("EPIPOLIS_ROOT", Path(__file__).parents[3]))
EPIPOLIS_ZONE = os.environ.get("EPIPOLIS_ZONE", "Asia/Taipei")
EPIPOLIS_CITY = os.environ.get("EPIPOLIS_CITY", "Demo City")
EPIPOLIS_JURISDICTION = os.environ.get("EPIPOLIS_JURISDICTION", "WHO")
EPIPOLIS_DEMO = os.environ.get("EPIPOLIS_DEMO") == "1"
EPIPOLIS_ADDRESS = os.environ.get("EPIPOLIS_ADDRESS", "http://127.0.0.1:8000")

SECRET_KEY = urlsafe_b64encode(key("sessions")).decode()
DEBUG = False
ALLOWED_HOSTS = os.environ.get("EPIPOLIS_HOSTS", "127.0.0.1,localhost,[::1]").split(",")
CSRF_TRUSTED_ORIGINS = [EPIPOLIS_ADDRESS]
IS_HTTPS = EPIPOLIS_ADDRESS.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_HTTPS
SESSION_COOKIE_AGE = 12 * 3600  # one shift
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_SSL_REDIRECT = False  # the city's proxy ends TLS; redirecting here would break its health checks
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 31_536_000 if IS_HTTPS else 0
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 20 * 2**20
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "ninja",
    "procrastinate.contrib.django",
    "epipolis.core",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    *packages().values(),
]
MIDDLEWARE = [
    "epipolis.core.logs.RequestNames",
    "django.middleware.security.SecurityMiddleware",
    "epipolis.core.headers.SecurityHeaders",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "epipolis.core.headers.LastSlash",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "epipolis.core.guards.SecondFactorGuard",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "epipolis.core.context.shell",
            ]
        },
    }
]
ROOT_URLCONF = "epipolis.server.urls"
DATABASES = {"default": database.connection_settings()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "core.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
LOGIN_URL = "/accounts/login/"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "epipolis.core.sign_in.Accounts"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = True  # the session's own age, one shift, is the limit
ACCOUNT_LOGOUT_REDIRECT_URL = LOGIN_URL
ACCOUNT_REAUTHENTICATION_TIMEOUT = 600
# An office of five hundred sits behind one address; one account stays at five wrong passwords in five minutes.
ACCOUNT_RATE_LIMITS = {"login": "300/m/ip", "login_failed": "60/m/ip,5/5m/key", "reauthenticate": "10/m/user"}
ALLAUTH_TRUSTED_PROXY_COUNT = int(os.environ.get("EPIPOLIS_PROXIES", "0"))
MFA_ADAPTER = "epipolis.core.sign_in.SecondFactors"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_RECOVERY_CODE_DIGITS = 10
MFA_TOTP_TOLERANCE = 1  # telephones' clocks drift
MFA_TOTP_ISSUER = f"epipolis {EPIPOLIS_CITY}"
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not IS_HTTPS  # passkeys on plain HTTP work in browsers for localhost only
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "core_cacheentry",
        "OPTIONS": {"MAX_ENTRIES": 200_000},
    }
}
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("zh-hant", _("Traditional Chinese")), ("es", _("Spanish"))]
FORMAT_MODULE_PATH = "epipolis.core.formats"
USE_I18N = USE_TZ = True
TIME_ZONE = EPIPOLIS_ZONE

STATIC_URL = "/static/"
STATIC_ROOT = database.home() / "static"
STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # WhiteNoise warns about a folder that is not there yet
STATICFILES_DIRS = [
    (f"vendor/{name}", ROOT / "node_modules" / path)
    for name, path in {
        "tabler": "@tabler/core/dist",
        "echarts": "echarts/dist",
        "htmx": "htmx.org/dist",
        "htmx-sse": "htmx-ext-sse/dist",
        "maplibre": "maplibre-gl/dist",
    }.items()
    if (ROOT / "node_modules" / path).is_dir()
]
ICONS = ROOT / "node_modules" / "@tabler" / "icons" / "icons" / "outline"
WHITENOISE_USE_FINDERS = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "epipolis.core.logs.JsonLines"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": os.environ.get("EPIPOLIS_LOG", "WARNING")},
    "loggers": {"django": {"handlers": [], "propagate": True}, "django.server": {"handlers": [], "propagate": True}},
}
