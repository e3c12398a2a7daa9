"""librouteros (PyPI) against a router: login, queries, hotspot users, sessions, traps, TLS."""

import json
import ssl
import sys
import urllib.request

from librouteros import connect
from librouteros.exceptions import TrapError
from librouteros.login import plain, token
from librouteros.query import And, Key, Or

ready, ros = json.loads(sys.argv[1]), sys.argv[2]
MAC = "A4:CF:12:00:00:01"


def control(path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(ready["control"] + path, data=data, headers={"content-type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def trap(call):
    try:
        call()
    except TrapError as error:
        return error.message
    raise AssertionError("no trap")


method = token if ros == "6.42" else plain
item_gone = "no such item" if ros.startswith("7") else "no such item (4)"

refused = trap(lambda: connect("127.0.0.1", "admin", "wrong", port=ready["api"], login_method=method))
assert refused == ("cannot log in" if ros == "6.42" else "invalid user name or password (6)"), refused

api = connect("127.0.0.1", "admin", "bando", port=ready["api"], login_method=method, encoding="utf-8")
assert list(api("/system/identity/print")) == [{"name": "MikroTik"}]
(resource,) = api("/system/resource/print")
assert resource["version"].startswith(ros), resource
assert list(api("/ip/hotspot/user/print", **{"count-only": ""})) == [{"ret": 1}]

users = api.path("ip", "hotspot", "user")
profiles = api.path("ip", "hotspot", "user", "profile")
profile_id = profiles.add(name="bando-p3-v1", **{"rate-limit": "512k/2M", "shared-users": 2, "add-mac-cookie": False})
first = users.add(name=MAC, profile="bando-p3-v1", comment="bando1;g=1;e=1895324800", **{
    "mac-address": MAC.lower(), "limit-uptime": "01:00:00", "limit-bytes-total": 1073741824, "password": ""})
second = users.add(name="voucher=1", password="päss=wort", comment="a=b=c")
assert first.startswith("*") and second.startswith("*") and first != second
assert trap(lambda: users.add(name=MAC)) == "failure: already have user with this name for this server"
assert trap(lambda: users.add(name="x", profile="none")) == "input does not match any value of profile"
assert trap(lambda: users.add(name="x", nonsense="1")) == "unknown parameter nonsense"
assert trap(lambda: users.remove("*FF")) == item_gone
assert "no such command" in trap(lambda: list(api("/ip/hotspot/user/frobnicate")))

name, comment, uptime, limit = Key("name"), Key("comment"), Key("uptime"), Key("limit-uptime")
found = list(users.select(Key(".id"), name, limit, comment).where(name == MAC))
assert found == [{".id": first, "name": MAC, "limit-uptime": "1h", "comment": "bando1;g=1;e=1895324800"}], found
found = list(users.select(name).where(Or(name == MAC, name == "voucher=1")))
assert sorted(row["name"] for row in found) == sorted([MAC, "voucher=1"]), found
assert list(users.select(name).where(And(name == MAC, comment == "other"))) == []
assert list(users.select(comment).where(name == "voucher=1")) == [{"comment": "a=b=c"}]
users.update(**{".id": second, "comment": ""})
users.update(**{".id": second, "disabled": True})
(row,) = users.select(name, Key("disabled"), Key("password")).where(name == "voucher=1")
assert row["disabled"] is True and row["password"] == "päss=wort", row

# A device appears: its MAC is a user, so it is on at once.
control("/clients", {"mac": MAC, "ip": "10.5.50.23"})
(active,) = api("/ip/hotspot/active/print")
assert active["user"] == MAC and active["address"] == "10.5.50.23" and active["session-time-left"] == "1h", active
assert active[".id"] == "*A053217" and active["limit-bytes-total"] == 1073741824
(queue,) = api.path("queue", "simple").select(Key("name"), Key("max-limit")).where(Key("name") == f"<hotspot-{MAC}>")
assert queue["max-limit"] == "512000/2000000"
api.path("ip", "hotspot", "active").remove(active[".id"])
assert list(api("/ip/hotspot/active/print")) == []
tuple(api("/ip/hotspot/active/login", user=MAC, **{"password": "", "mac-address": MAC, "ip": "10.5.50.23"}))
assert len(list(api("/ip/hotspot/active/print"))) == 1
assert trap(lambda: tuple(api("/ip/hotspot/active/login", user=MAC, ip="10.5.50.99"))) == "unknown host IP 10.5.50.99"

users.remove(first, second)
assert [row["name"] for row in users] == ["default-trial"]
profiles.remove(profile_id)

entry = api.path("ip", "firewall", "address-list")
entry.add(list="paid", address="10.5.50.0/24")
assert trap(lambda: entry.add(list="paid", address="10.5.50.0/24")) == "failure: already have such entry"

reader = connect("127.0.0.1", "reader", "reader", port=ready["api"], login_method=method)
assert trap(lambda: reader.path("ip", "hotspot", "user").add(name="x")) == "not enough permissions (9)"

context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
safe = connect("127.0.0.1", "admin", "bando", port=ready["tls"], login_method=method, ssl_wrapper=context.wrap_socket)
assert list(safe("/system/identity/print")) == [{"name": "MikroTik"}]
for connection in (api, reader, safe):
    connection.close()
print("librouteros", ros, "ok")
