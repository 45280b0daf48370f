"""The addresses of accounts: of django-allauth's many, the few that a platform without sign-up and mail needs."""

from allauth.account import views as account
from allauth.mfa.base import views as factors
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as passkeys
from django.urls import path

from epipolis.core.access import public, signed_in
from epipolis.core.views import accounts, audit, tokens

urlpatterns = [
    path("login/", accounts.sign_in, name="account_login"),
    path("logout/", public(account.logout), name="account_logout"),
    path("inactive/", public(account.account_inactive), name="account_inactive"),
    path("reauthenticate/", signed_in(account.reauthenticate), name="account_reauthenticate"),
    path("password/", signed_in(account.password_change), name="account_change_password"),
    path("factors/", signed_in(factors.index), name="mfa_index"),
    path("factors/ask/", public(factors.authenticate), name="mfa_authenticate"),
    path("factors/again/", signed_in(factors.reauthenticate), name="mfa_reauthenticate"),
    path("factors/app/add/", signed_in(totp.activate_totp), name="mfa_activate_totp"),
    path("factors/app/remove/", signed_in(totp.deactivate_totp), name="mfa_deactivate_totp"),
    path("factors/codes/", signed_in(codes.view_recovery_codes), name="mfa_view_recovery_codes"),
    path("factors/codes/new/", signed_in(codes.generate_recovery_codes), name="mfa_generate_recovery_codes"),
    path("factors/passkeys/", signed_in(passkeys.list_webauthn), name="mfa_list_webauthn"),
    path("factors/passkeys/add/", signed_in(passkeys.add_webauthn), name="mfa_add_webauthn"),
    path("factors/passkeys/again/", signed_in(passkeys.reauthenticate_webauthn), name="mfa_reauthenticate_webauthn"),
    path("factors/passkeys/sign-in/", public(passkeys.login_webauthn), name="mfa_login_webauthn"),
    path("factors/passkeys/<int:pk>/remove/", signed_in(passkeys.remove_webauthn), name="mfa_remove_webauthn"),
    path("factors/passkeys/<int:pk>/rename/", signed_in(passkeys.edit_webauthn), name="mfa_edit_webauthn"),
    path("me/", accounts.my_account, name="my_account"),
    path("me/end-sessions/", accounts.end_my_sessions, name="end_my_sessions"),
    path("demonstration/<slug:username>/", accounts.sign_in_for_demonstration, name="demo_sign_in"),
    path("staff/", accounts.staff, name="staff"),
    path("staff/new/", accounts.new_account, name="new_account"),
    path("staff/<int:pk>/", accounts.account, name="account"),
    path("staff/<int:pk>/roles/", accounts.change_roles, name="change_roles"),
    path("staff/<int:pk>/reset/", accounts.reset_account, name="reset_account"),
    path("staff/<int:pk>/close/", accounts.close_account, name="close_account"),
    path("staff/<int:pk>/open/", accounts.open_account, name="open_account"),
    path("tokens/", tokens.tokens, name="tokens"),
    path("tokens/new/", tokens.new_token, name="new_token"),
    path("tokens/<int:pk>/revoke/", tokens.revoke_token, name="revoke_token"),
    path("audit/", audit.trail, name="audit"),
    path("audit/verify/", audit.verify, name="verify_audit"),
    path("audit/export.<slug:kind>", audit.export, name="audit_export"),
]
