"""Accounts of staff: made, given roles, reset and closed by operators. docs/decisions says who may do what to whom."""

import secrets
from base64 import b32encode, urlsafe_b64encode
from datetime import datetime
from hashlib import sha256
from hmac import new as hmac

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from django.conf import settings
from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, Prefetch, QuerySet
from django.utils.translation import gettext as _

from epipolis.core import audit, sealing
from epipolis.core.audit import Actor
from epipolis.core.models import DeviceToken, User
from epipolis.core.modules import ROLES

_WORDS = "bcdfghjkmnpqrstvwxz", "aeiou", "23456789"  # no letter that is read as another


def all_accounts() -> QuerySet[User]:
    """Every account with its roles, the open ones first."""
    return User.objects.prefetch_related(Prefetch("groups", Group.objects.order_by("name"))).order_by("-is_active", "username")


@transaction.atomic
def make_account(
    username: str,
    roles: list[str],
    *,
    by: Actor,
    at: datetime,
    full_name: str = "",
    password: str = "",
    simulated: bool = False,
) -> tuple[User, str]:
    """Make an account and return it with its first password, which is shown this once.

    A password that is not given is made up and must be changed at the first sign-in.

    Raises:
        ValueError: the name is taken or unusable, the password too weak, or a role may not be given.
    """
    check_roles(roles, of=None, by=by)
    first, _space, last = full_name.strip().partition(" ")
    user = User(username=username.strip(), first_name=first[:150], last_name=last[:150], simulated=simulated)
    given = password or make_password()
    try:
        user.full_clean(exclude=["password"])
        if password and not simulated:
            validate_password(password, user)
    except ValidationError as error:
        raise ValueError(" ".join(error.messages)) from error
    user.must_change_password = not password
    user.set_password(given)
    user.save()
    user.groups.set(Group.objects.filter(name__in=roles))
    audit.record("access.make_account", by=by, at=at, subject=user.pk, roles=sorted(roles))
    return user, given


@transaction.atomic
def change_roles(user: User, roles: list[str], *, by: Actor, at: datetime) -> None:
    """Give an account exactly these roles; its sessions end, so that nothing opened with the old ones stays open.

    Raises:
        ValueError: a rule of `check_roles` forbids it.
    """
    _lock_operators()
    check_roles(roles, of=user, by=by)
    before = user.role_names
    if before == sorted(roles):
        return
    user.groups.set(Group.objects.filter(name__in=roles))
    end_sessions(user)
    audit.record("access.change_roles", by=by, at=at, subject=user.pk, before=before, roles=sorted(roles))


@transaction.atomic
def close_account(user: User, *, by: Actor, at: datetime, with_tokens: bool = True) -> int:
    """End an account's sessions and, unless told otherwise, the device tokens it issued; return how many tokens ended.

    Raises:
        ValueError: it is one's own account, or the last open one of an operator or auditor.
    """
    _lock_operators()
    _refuse_oneself(user, by)
    _refuse_last(user, set(user.role_names), set())
    User.objects.filter(pk=user.pk).update(is_active=False, session_epoch=F("session_epoch") + 1)
    tokens = DeviceToken.objects.filter(issued_by=user, revoked=None).update(revoked=at) if with_tokens else 0
    audit.record("access.close_account", by=by, at=at, subject=user.pk, tokens=tokens)
    return tokens


@transaction.atomic
def open_account(user: User, *, by: Actor, at: datetime) -> str:
    """Open a closed account again and return its temporary password; the second factor is set up afresh."""
    _refuse_oneself(user, by)
    User.objects.filter(pk=user.pk).update(is_active=True)
    audit.record("access.open_account", by=by, at=at, subject=user.pk)
    return reset_account(user, by=by, at=at)


@transaction.atomic
def reset_account(user: User, *, by: Actor, at: datetime) -> str:
    """For somebody who lost telephone or password: end the sessions, forget the second factor, return a temporary password.

    Raises:
        ValueError: it is one's own account; one's own factor is changed by showing it.
    """
    _refuse_oneself(user, by)
    password = make_password()
    user.set_password(password)
    User.objects.filter(pk=user.pk).update(
        password=user.password, must_change_password=True, session_epoch=F("session_epoch") + 1
    )
    factors, _kinds = Authenticator.objects.filter(user_id=user.pk).delete()
    audit.record("access.reset_account", by=by, at=at, subject=user.pk, factors=factors)
    return password


def end_sessions(user: User) -> None:
    """Sign an account out everywhere."""
    User.objects.filter(pk=user.pk).update(session_epoch=F("session_epoch") + 1)
    user.refresh_from_db(fields=["session_epoch"])


def check_roles(roles: list[str], *, of: User | None, by: Actor) -> None:
    """The rules of giving roles; `of` None is an account that is being made.

    Raises:
        ValueError: a role does not exist, the account is one's own, one person would run the platform and audit it, or
            nobody would be left to run or audit it.
    """
    wanted = set(roles)
    if unknown := wanted - set(ROLES):
        raise ValueError(_("There is no role %(names)s.") % {"names": ", ".join(sorted(unknown))})
    if {"operator", "auditor"} <= wanted:
        raise ValueError(_("Whoever runs the platform cannot also be the one who checks the audit trail."))
    if of is not None:
        _refuse_oneself(of, by)
        _refuse_last(of, set(of.role_names), wanted)


def make_password() -> str:
    """A temporary password that can be read out over a telephone: about 65 bits in four groups."""
    consonants, vowels, digits = _WORDS
    parts = ["".join(secrets.choice(s) for s in (consonants, vowels, consonants, vowels, digits)) for _i in range(4)]
    return "-".join(parts)


def add_totp(user: User, secret: str) -> None:
    """Give an account an authenticator app whose secret (base32) is known already."""
    if not Authenticator.objects.filter(user_id=user.pk, type=Authenticator.Type.TOTP).exists():
        TOTP.activate(user, secret)


def make_demo_accounts(*, at: datetime) -> list[tuple[str, str, str, str]]:
    """One simulated account for each role: (username, role, password, TOTP secret). Twice makes nothing new.

    Raises:
        ValueError: this is no demonstration.
    """
    if not settings.EPIPOLIS_DEMO:
        raise ValueError("demonstration accounts exist in a demonstration only")
    made = []
    for role in ROLES:
        password, secret = _demo_credentials(role)
        if not User.objects.filter(username=role).exists():
            user, _shown = make_account(
                role, [role], by="demo", at=at, full_name=f"Demo {role.title()}", password=password, simulated=True
            )
            add_totp(user, secret)
        made.append((role, role, password, secret))
    return made


def demo_accounts() -> list[User]:
    """The accounts that the sign-in page of a demonstration offers; none outside of one."""
    if not settings.EPIPOLIS_DEMO:
        return []
    found = {user.username: user for user in User.objects.filter(simulated=True, is_active=True, username__in=ROLES)}
    return [found[role] for role in ROLES if role in found]


def _demo_credentials(role: str) -> tuple[str, str]:
    """The same at every call in one installation, and different in every other."""

    def derived(purpose: str) -> bytes:
        return hmac(sealing.key("demo"), f"{purpose}:{role}".encode(), sha256).digest()

    return urlsafe_b64encode(derived("password")[:12]).decode(), b32encode(derived("totp")[:20]).decode()


def _lock_operators() -> None:
    """Two operators who remove each other at the same moment must not both succeed."""
    list(Group.objects.select_for_update().filter(name__in=("operator", "auditor")))


def _refuse_oneself(user: User, by: Actor) -> None:
    if isinstance(by, User) and by.pk == user.pk:
        raise ValueError(_("Nobody changes the rights of their own account; ask another operator."))


def _refuse_last(user: User, before: set[str], after: set[str]) -> None:
    for role in ("operator", "auditor"):
        if role in before - after and user.is_active:
            others = User.objects.filter(groups__name=role, is_active=True).exclude(pk=user.pk)
            if not others.exists():
                raise ValueError(_("This is the last open account with the role %(role)s.") % {"role": role})
