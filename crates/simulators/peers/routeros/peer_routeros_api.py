"""RouterOS-api (PyPI) against a router: its two logins, resources, queries, traps."""

import json
import sys

import routeros_api
from routeros_api.exceptions import RouterOsApiCommunicationError

ready, ros = json.loads(sys.argv[1]), sys.argv[2]
MAC = "A4:CF:12:00:00:02"
legacy = ros == "6.42"

pool = routeros_api.RouterOsApiPool("127.0.0.1", username="admin", password="bando", port=ready["api"], plaintext_login=not legacy)
api = pool.get_api()
users = api.get_resource("/ip/hotspot/user")
assert [user["name"] for user in users.get()] == ["default-trial"]
added = users.add(name=MAC, comment="", limit_uptime="30m", mac_address=MAC).done_message["ret"]
(user,) = users.get(name=MAC)
assert user["id"] == added and user["limit-uptime"] == "30m" and user["disabled"] == "false", user
assert users.get(name="nobody") == []
users.set(id=added, comment="bando1;g=2;e=1895324800", limit_uptime="3600")
(user,) = users.get(name=MAC)
assert user["limit-uptime"] == "1h" and user["comment"] == "bando1;g=2;e=1895324800", user
assert users.call("print", {"count-only": ""}).done_message["ret"] == "2"
query = (routeros_api.query.IsEqualQuery("name", MAC), routeros_api.query.IsEqualQuery("name", "nobody"))
either = routeros_api.query.OrQuery(*query)
assert len(users.call("print", additional_queries=(either,))) == 1
for wrong, text in [
    ({"name": MAC}, "already have user with this name for this server"),
    ({"name": "x", "profile": "none"}, "input does not match any value of profile"),
    ({"name": "x", "limit-uptime": "soon"}, "invalid time value for argument limit-uptime"),
]:
    try:
        users.add(**wrong)
    except RouterOsApiCommunicationError as error:
        assert text in str(error), error
    else:
        raise AssertionError("no trap")
users.remove(id=added)
assert [user["name"] for user in users.get()] == ["default-trial"]
identity = api.get_resource("/system/identity")
identity.set(name="Cafe")
assert identity.get() == [{"name": "Cafe"}]
identity.set(name="MikroTik")
# It sends an empty value as `=name` without the second `=`.
assert api.get_binary_resource("/ip/hotspot/user").call("print", {"count-only": b""}).done_message["ret"] == b"1"
pool.disconnect()

safe = routeros_api.RouterOsApiPool(
    "127.0.0.1", username="admin", password="bando", port=ready["tls"], plaintext_login=not legacy, use_ssl=True,
    ssl_verify=False, ssl_verify_hostname=False)
assert safe.get_api().get_resource("/system/identity").get() == [{"name": "MikroTik"}]
safe.disconnect()
print("RouterOS-api", ros, "ok")
