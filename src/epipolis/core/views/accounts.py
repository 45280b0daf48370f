"""Pages about accounts: one's own, and for operators those of the others."""

from ipaddress import ip_address
from typing import Any

from allauth.account.decorators import reauthentication_required
from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from allauth.account.stages import LoginStageController
from allauth.account.utils import get_next_redirect_url
from allauth.account.views import LoginView
from allauth.mfa.base.internal.flows import post_authentication
from allauth.mfa.models import Authenticator
from allauth.mfa.stages import AuthenticateStage
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, validate_totp_code, yield_hotp_counters_from_time
from allauth.mfa.utils import decrypt
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST

from epipolis.core import accounts, audit, clock
from epipolis.core.access import needs, public, signed_in
from epipolis.core.forms import NewAccount, RolesForm
from epipolis.core.models import User
from epipolis.core.roles import declared_permissions
from epipolis.core.sign_in import FACTORS

sensitive = reauthentication_required(app="epipolis", allow_get=True)


class SignIn(LoginView):  # type: ignore[misc]  # -- allauth ships no types
    """The sign-in page; in a demonstration it lists the accounts that are there to be tried."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"demo": accounts.demo_accounts()}


sign_in = public(SignIn.as_view())


@signed_in
def my_account(request: HttpRequest) -> HttpResponse:
    """Who I am here, what I may do, and how I sign in."""
    mine = [(name, can.text) for name, can in declared_permissions().items() if request.user.has_perm(name)]
    factors = Authenticator.objects.filter(user_id=request.user.pk, type__in=FACTORS).count()
    return render(request, "core/accounts/me.html", {"permissions": mine, "factors": factors})


@signed_in
@require_POST
def end_my_sessions(request: HttpRequest) -> HttpResponse:
    """Sign out everywhere but here."""
    accounts.end_sessions(request.user)
    update_session_auth_hash(request, request.user)
    audit.record("access.end_sessions", by=request.user, at=clock.now(), subject=request.user.pk)
    messages.success(request, _("You are signed out everywhere else."))
    return redirect("my_account")


@needs("core.accounts")
def staff(request: HttpRequest) -> HttpResponse:
    """Every account, its roles, and whether it has a second factor."""
    with_factor = set(Authenticator.objects.filter(type__in=FACTORS).values_list("user_id", flat=True))
    people = [(user, user.pk in with_factor) for user in accounts.all_accounts()]
    return render(request, "core/accounts/staff.html", {"people": people})


@needs("core.accounts")
@sensitive
@sensitive_variables("password")
def new_account(request: HttpRequest) -> HttpResponse:
    """Make an account; its temporary password is shown on the answer and nowhere again."""
    form = NewAccount(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            user, password = accounts.make_account(
                form.cleaned_data["username"],
                form.cleaned_data["roles"],
                by=request.user,
                at=clock.now(),
                full_name=form.cleaned_data["full_name"],
            )
            return _show_password(request, user, password)
        except ValueError as error:
            form.add_error(None, str(error))
    return render(request, "core/accounts/new.html", {"form": form}, status=422 if form.errors else 200)


@needs("core.accounts")
def account(request: HttpRequest, pk: int) -> HttpResponse:
    """One account, and what an operator may do with it."""
    user = _account(pk)
    context = {
        "person": user,
        "form": RolesForm(initial={"roles": user.role_names}),
        "is_mine": user.pk == request.user.pk,
        "factors": Authenticator.objects.filter(user_id=user.pk, type__in=FACTORS).count(),
        "entries": audit.entries(subject=str(user.pk), area="access")[:20],
    }
    return render(request, "core/accounts/account.html", context)


@needs("core.accounts")
@require_POST
@sensitive
def change_roles(request: HttpRequest, pk: int) -> HttpResponse:
    """Give an account exactly the roles that are ticked."""
    form = RolesForm(request.POST)
    try:
        if not form.is_valid():
            raise ValueError(_("Choose among the roles that exist."))
        accounts.change_roles(_account(pk), form.cleaned_data["roles"], by=request.user, at=clock.now())
        messages.success(request, _("The roles are changed; the account's sessions have ended."))
    except ValueError as error:
        messages.error(request, str(error))
    return redirect("account", pk=pk)


@needs("core.accounts")
@require_POST
@sensitive
@sensitive_variables("password")
def reset_account(request: HttpRequest, pk: int) -> HttpResponse:
    """A temporary password and a fresh second factor, for somebody who lost theirs."""
    user = _account(pk)
    try:
        password = accounts.reset_account(user, by=request.user, at=clock.now())
    except ValueError as error:
        messages.error(request, str(error))
        return redirect("account", pk=pk)
    return _show_password(request, user, password)


@needs("core.accounts")
@require_POST
@sensitive
def close_account(request: HttpRequest, pk: int) -> HttpResponse:
    """End an account: nobody signs in with it from now on."""
    try:
        tokens = accounts.close_account(_account(pk), by=request.user, at=clock.now(), with_tokens="tokens" in request.POST)
        messages.success(
            request, _("The account is closed. Its sessions and %(count)d device tokens have ended.") % {"count": tokens}
        )
    except ValueError as error:
        messages.error(request, str(error))
    return redirect("account", pk=pk)


@needs("core.accounts")
@require_POST
@sensitive
@sensitive_variables("password")
def open_account(request: HttpRequest, pk: int) -> HttpResponse:
    """Open a closed account again."""
    user = _account(pk)
    try:
        password = accounts.open_account(user, by=request.user, at=clock.now())
    except ValueError as error:
        messages.error(request, str(error))
        return redirect("account", pk=pk)
    return _show_password(request, user, password)


@public
@require_POST
def sign_in_for_demonstration(request: HttpRequest, username: str) -> HttpResponseBase:
    """In a demonstration, and from this machine only: sign in as a role, with a code computed here."""
    if not settings.EPIPOLIS_DEMO:
        raise Http404
    if not _is_from_here(request):
        raise PermissionDenied("not from this machine")
    user = next((user for user in accounts.demo_accounts() if user.username == username), None)
    factor = Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).first() if user else None
    if user is None or factor is None:
        raise Http404
    record_authentication(request, user, method="demonstration")
    login = Login(user=user, redirect_url=get_next_redirect_url(request))
    response: HttpResponseBase = perform_login(request, login)
    stage = LoginStageController.enter(request, AuthenticateStage.key)
    if stage is None:
        return response
    secret = decrypt(factor.data["secret"])
    code = format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time())))
    if not validate_totp_code(secret, code):
        raise PermissionDenied("the second factor does not fit")
    post_authentication(request, factor)
    exit_: HttpResponseBase = stage.exit()
    return exit_


def _account(pk: int) -> User:
    return get_object_or_404(User, pk=pk)


def _show_password(request: HttpRequest, user: User, password: str) -> HttpResponse:
    return render(request, "core/accounts/password.html", {"person": user, "password": password})


def _is_from_here(request: HttpRequest) -> bool:
    """Whether the other end is this machine, and no proxy stands between that may speak for somebody else."""
    if any(header in request.headers for header in ("X-Forwarded-For", "Forwarded", "X-Real-Ip", "Via")):
        return False
    try:
        return ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
