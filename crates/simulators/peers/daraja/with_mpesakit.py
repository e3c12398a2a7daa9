"""mpesakit against the simulator; its own models read every answer and callback."""

import json
import os
import time
import urllib.request

from mpesakit import MpesaClient
from mpesakit.c2b.schemas import C2BValidationRequest
from mpesakit.errors import MpesaApiException

from receiver import Receiver

DARAJA = os.environ["DARAJA"]
PASSKEY = "bfb279f9aa9bdbcf158e97dd71a467cd2e0c893059b10f78e6b72ada1ed2c919"


def client(secret="demo"):
    made = MpesaClient(consumer_key="demo", consumer_secret=secret)
    made.http_client.base_url = DARAJA
    return made


def push(mpesa, receiver, path, amount, reference, phone="254712345678"):
    return mpesa.stk_push(
        business_short_code=174379, transaction_type="CustomerPayBillOnline", amount=amount, party_a=phone,
        party_b="174379", phone_number=phone, callback_url=receiver.url(path), account_reference=reference,
        transaction_desc="WiFi 1 hour", passkey=PASSKEY,
    )


def query_until_final(mpesa, checkout):
    for _ in range(200):
        answer = mpesa.stk_query(business_short_code=174379, checkout_request_id=checkout, passkey=PASSKEY)
        if str(answer.ResultCode) != "4999":
            return answer
        time.sleep(0.05)
    raise SystemExit("the payment stays pending")


def succeeded(model):
    """A property on some of its models, a method on others."""
    answer = model.is_successful
    return answer() if callable(answer) else answer


def refused(act):
    try:
        act()
    except MpesaApiException as error:
        return error.error
    raise SystemExit("it was not refused")


mpesa, receiver = client(), Receiver()

assert refused(lambda: push(client("wrong"), receiver, "/x", 20, "WF1")).error_code == "AUTH_INVALID_CREDENTIALS"

sent = push(mpesa, receiver, "/stk/paid", 20, "WF7K3Q9X")
assert succeeded(sent), sent
paid = query_until_final(mpesa, sent.CheckoutRequestID)
assert succeeded(paid) and str(paid.ResultCode) == "0", paid
callback = mpesa.process_stk_callback(json.loads(receiver.wait_for("/stk/paid")))
assert succeeded(callback), callback
assert callback.Body.stkCallback.CheckoutRequestID == sent.CheckoutRequestID
values = {item.Name: item.Value for item in callback.Body.stkCallback.CallbackMetadata.Item}
assert float(values["Amount"]) == 20 and str(values["PhoneNumber"]) == "254712345678", values
receipt = values["MpesaReceiptNumber"]
print("push, query and callback:", receipt)

sent = push(mpesa, receiver, "/stk/cancelled", 30, "SIM02")
assert str(query_until_final(mpesa, sent.CheckoutRequestID).ResultCode) == "1032"
callback = mpesa.process_stk_callback(json.loads(receiver.wait_for("/stk/cancelled")))
assert not succeeded(callback), callback
print("a cancelled payment: 1032 on both channels")

status = mpesa.transactions.query_status(
    initiator="testapi", security_credential="c2VjcmV0", transaction_id=receipt, party_a=174379, identifier_type=4,
    result_url=receiver.url("/status"), queue_timeout_url=receiver.url("/timeout"), remarks="check",
)
assert succeeded(status), status
# Its model wants a bare list of parameters, which differs from Safaricom's own sample and from its other models.
result = json.loads(receiver.wait_for("/status"))["Result"]
assert result["ResultCode"] == 0, result
keys = {one["Key"]: one.get("Value") for one in result["ResultParameters"]["ResultParameter"]}
assert keys["TransactionStatus"] == "Completed" and keys["ReceiptNo"] == receipt, keys
print("transaction status")

balance = mpesa.balance.query(
    initiator="testapi", security_credential="c2VjcmV0", command_id="AccountBalance", party_a=174379, identifier_type=4,
    remarks="check", result_url=receiver.url("/balance"), queue_timeout_url=receiver.url("/timeout"),
)
assert succeeded(balance), balance
mpesa.process_account_balance_callback(json.loads(receiver.wait_for("/balance")))
print("account balance")

reversal = mpesa.reversal.reverse(
    initiator="testapi", security_credential="c2VjcmV0", transaction_id=receipt, amount=20, receiver_party=174379,
    result_url=receiver.url("/reversal"), queue_timeout_url=receiver.url("/timeout"), remarks="refund", occasion="x",
)
assert succeeded(reversal), reversal
result = mpesa.process_reversal_callback(json.loads(receiver.wait_for("/reversal")))
assert succeeded(result), result
print("reversal")

registered = mpesa.c2b.register_url(
    short_code=600984, response_type="Completed", confirmation_url=receiver.url("/c2b/confirm"),
    validation_url=receiver.url("/c2b/validate"),
)
assert succeeded(registered), registered
body = {"msisdn": "254712345678", "number": "600984", "amount": 50, "account": "WF7K3Q9X"}
request = urllib.request.Request(
    f"{DARAJA}/__sim/pay", json.dumps(body).encode(), {"Content-Type": "application/json"}, method="POST"
)
urllib.request.urlopen(request, timeout=10).close()
confirmation = C2BValidationRequest.model_validate(json.loads(receiver.wait_for("/c2b/confirm")))
assert confirmation.BillRefNumber == "WF7K3Q9X", confirmation
print("C2B registration and confirmation:", confirmation.TransID)

code = mpesa.dynamic_qr.generate(
    merchant_name="BANDO WIFI", ref_no="WF7K3Q9X", amount=20, trx_code="PB", cpi="174379", size="300"
)
assert succeeded(code), code
print("QR code")
