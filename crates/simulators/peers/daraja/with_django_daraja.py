"""django-daraja against the simulator: its token in a database, its push, its reading of the callback."""

import os
import urllib.parse

import django
from django.conf import settings

from receiver import Receiver

DARAJA = os.environ["DARAJA"]
assert urllib.parse.urlsplit(DARAJA).hostname == "127.0.0.1"

settings.configure(
    INSTALLED_APPS=["django_daraja"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    USE_TZ=True,
    TIME_ZONE="Africa/Nairobi",
    MPESA_ENVIRONMENT="sandbox",
    MPESA_CONSUMER_KEY="demo",
    MPESA_CONSUMER_SECRET="demo",
    MPESA_EXPRESS_SHORTCODE="174379",
    MPESA_SHORTCODE="174379",
    MPESA_PASSKEY="bfb279f9aa9bdbcf158e97dd71a467cd2e0c893059b10f78e6b72ada1ed2c919",
)
django.setup()

from django.core.management import call_command  # noqa: E402
from django_daraja.models import AccessToken  # noqa: E402
from django_daraja.mpesa import core, utils  # noqa: E402

core.api_base_url = utils.api_base_url = lambda: DARAJA + "/"
call_command("migrate", verbosity=0)

receiver, mpesa = Receiver(), core.MpesaClient()


def push(path, amount, reference, phone="0712345678"):
    return mpesa.stk_push(phone, amount, reference, "WiFi 1 hour", receiver.url(path))


sent = push("/stk/paid", 20, "WF7K3Q9X")
assert (sent.status_code, sent.response_code) == (200, "0"), sent.text
stored = AccessToken.objects.get().token
assert 20 <= len(stored) <= 30, "its column holds 30 characters"
paid = mpesa.parse_stk_result(receiver.wait_for("/stk/paid"))
assert paid["ResultCode"] == 0 and paid["CheckoutRequestID"] == sent.checkout_request_id, paid
assert paid["Amount"] == 20 and paid["PhoneNumber"] == 254712345678 and len(paid["MpesaReceiptNumber"]) == 10, paid
print("push and callback:", paid["MpesaReceiptNumber"])

push("/stk/insufficient", 30, "SIM01")
failed = mpesa.parse_stk_result(receiver.wait_for("/stk/insufficient"))
assert failed["ResultCode"] == 1 and "Amount" not in failed, failed
print("a failed payment:", failed["ResultDesc"])

refused = push("/x", 0, "WF7K3Q9X")
assert (refused.status_code, refused.error_code) == (400, "400.002.02"), refused.text
assert refused.request_id and refused.error_message == "Bad Request - Invalid Amount"

utils.generate_access_token_request()  # somebody else takes a token: the stored one is useless now
refused = push("/x", 40, "WF7K3Q9X")
assert (refused.status_code, refused.error_code) == (404, "404.001.03"), refused.text
print("refusals: a bad amount, a superseded token")
