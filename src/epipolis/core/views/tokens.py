"""Pages for operators: the tokens of devices and partner systems."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST

from epipolis.core import access, clock
from epipolis.core.access import needs
from epipolis.core.forms import NewToken
from epipolis.core.models import DeviceToken
from epipolis.core.roles import declared_permissions
from epipolis.core.views.accounts import sensitive


@needs("core.tokens")
def tokens(request: HttpRequest) -> HttpResponse:
    """Every token: what it may do, until when, and when it was last used."""
    at = clock.now()
    rows = [(token, token.is_valid(at)) for token in access.all_tokens()]
    return render(request, "core/accounts/tokens.html", {"rows": rows, "at": at})


@needs("core.tokens")
@sensitive
@sensitive_variables("secret")
def new_token(request: HttpRequest) -> HttpResponse:
    """Issue a token; it is shown on the answer and nowhere again."""
    form = NewToken(request.POST or None, by=request.user)
    if request.method == "POST" and form.is_valid():
        found = form.cleaned_data
        try:
            token, secret = access.issue_token(
                found["name"], found["scopes"], by=request.user, at=clock.now(), days=found["days"]
            )
            return render(request, "core/accounts/token.html", {"token": token, "secret": secret})
        except ValueError as error:
            form.add_error(None, str(error))
    texts = {name: can.text for name, can in declared_permissions().items()}
    context = {"form": form, "texts": texts}
    return render(request, "core/accounts/new_token.html", context, status=422 if form.errors else 200)


@needs("core.tokens")
@require_POST
@sensitive
def revoke_token(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a device's rights away from this moment."""
    token = get_object_or_404(DeviceToken, pk=pk)
    access.revoke_token(token, by=request.user, at=clock.now())
    messages.success(request, _("%(name)s may do nothing any more.") % {"name": token.name})
    return redirect("tokens")
