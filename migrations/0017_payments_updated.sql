-- Serves the live feed: "what changed since" is read by this index, so that every server process sees the
-- changes of the others.
create index payments_updated on payments (updated_at, id);
