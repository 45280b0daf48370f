"""Signing in: how this platform bends django-allauth to its rules, and what of it reaches the audit trail."""

import time
from base64 import b64decode, b64encode
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.signals import password_changed
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import (
    authentication_failed,
    authenticator_added,
    authenticator_removed,
    authenticator_reset,
)
from django.conf import settings
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from epipolis.core import audit, clock, sealing
from epipolis.core.access import SECOND_FACTOR
from epipolis.core.models import User

FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


class Accounts(DefaultAccountAdapter):  # type: ignore[misc]  # -- allauth ships no types
    """Staff accounts: made by operators only; simulated ones open in a demonstration only."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def pre_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse | None:
        if user.simulated and not settings.EPIPOLIS_DEMO:
            user.is_active = False  # in this request only: answered as any account that is switched off
        response: HttpResponse | None = super().pre_login(request, user, **kwargs)
        return response

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("my_account")

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Whoever signed in some minutes ago has just shown who they are."""
        records = get_authentication_records(context.request, context.request.user)
        return not records or time.time() - records[-1]["at"] > settings.ACCOUNT_REAUTHENTICATION_TIMEOUT


class SecondFactors(DefaultMFAAdapter):  # type: ignore[misc]  # -- allauth ships no types
    """Second factors: their secrets are encrypted at rest, and the last one cannot be taken away."""

    def encrypt(self, text: str) -> str:
        return b64encode(sealing.seal(text)).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return sealing.unseal(b64decode(encrypted_text))

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        if authenticator.type not in FACTORS:
            return True
        others = Authenticator.objects.filter(user_id=authenticator.user_id, type__in=FACTORS).exclude(pk=authenticator.pk)
        return bool(others.exists())


def has_second_factor(user: Any) -> bool:
    """Whether an account has an authenticator app or a passkey; recovery codes alone are none."""
    return bool(user.is_authenticated and Authenticator.objects.filter(user_id=user.pk, type__in=FACTORS).exists())


@receiver(user_logged_in, dispatch_uid="epipolis")
def note_sign_in(request: HttpRequest | None, user: User, **_: Any) -> None:
    """allauth asks for the second factor wherever there is one, so a session that begins with one has passed it."""
    if request is not None:
        request.session[SECOND_FACTOR] = has_second_factor(user)
    audit.record("access.sign_in", by=user, at=clock.now(), subject=user.pk)


@receiver(user_logged_out, dispatch_uid="epipolis")
def note_sign_out(user: User | None, **_: Any) -> None:
    if user is not None:
        audit.record("access.sign_out", by=user, at=clock.now(), subject=user.pk)


@receiver(user_login_failed, dispatch_uid="epipolis")
def note_wrong_password(credentials: dict[str, Any], **_: Any) -> None:
    """What was typed is kept only where it is an account's name: people type passwords into the wrong field."""
    user = User.objects.filter(username__iexact=str(credentials.get("username", ""))[:150].replace("\0", "")).first()
    audit.record("access.wrong_password", by="public", at=clock.now(), subject=user.pk if user else "unknown")


@receiver(authentication_failed, dispatch_uid="epipolis")
def note_wrong_factor(user: User, authenticator: Authenticator, **_: Any) -> None:
    audit.record("access.wrong_factor", by="public", at=clock.now(), subject=user.pk, factor=authenticator.type)


@receiver([authenticator_added, authenticator_reset], dispatch_uid="epipolis.added")
def note_new_factor(request: HttpRequest, user: User, authenticator: Authenticator, **_: Any) -> None:
    """A new factor ends the account's other sessions: one of them may have been opened with the password alone."""
    audit.record("access.add_factor", by=user, at=clock.now(), subject=user.pk, factor=authenticator.type)
    if authenticator.type in FACTORS:
        user.session_epoch += 1
        user.save(update_fields=["session_epoch"])
        update_session_auth_hash(request, user)
        request.session[SECOND_FACTOR] = True


@receiver(authenticator_removed, dispatch_uid="epipolis")
def note_removed_factor(user: User, authenticator: Authenticator, **_: Any) -> None:
    audit.record("access.remove_factor", by=user, at=clock.now(), subject=user.pk, factor=authenticator.type)


@receiver(password_changed, dispatch_uid="epipolis")
def note_new_password(user: User, **_: Any) -> None:
    user.must_change_password = False
    user.save(update_fields=["must_change_password"])
    audit.record("access.change_password", by=user, at=clock.now(), subject=user.pk)
