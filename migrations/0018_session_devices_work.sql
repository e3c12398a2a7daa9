-- The routers' work lists: what is due now, and what one router should have.
create index session_devices_due on session_devices (next_try_at, router_id);
create index session_devices_work on session_devices (router_id, intended, next_try_at);
