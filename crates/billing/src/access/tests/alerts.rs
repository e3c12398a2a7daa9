//! What the owner is told about a router: written once, not repeated while it lasts, and closed when it is well again.

use chrono::{DateTime, Utc};
use simulators::routeros::{Fault, FaultRule, Options, Reboot, Sim};
use sqlx::MySqlPool;

use super::{
    MAC, OFTEN, advance, online,
    world::{PATIENCE, World, until, until_within},
};
use crate::{access::Handle, db::routers::RouterRecord};

/// One router and those who look after it.
struct Watched {
    world: World,
    sim: Sim,
    router: RouterRecord,
    handle: Handle,
}

impl Watched {
    async fn start(pool: MySqlPool, options: Options) -> Self {
        let world = World::new(pool).await;
        let sim = Sim::start(options).await.unwrap();
        let router = world.router("main", sim.addr().port(), "bando").await;
        let (handle, _) = online(&world, &sim, &router, OFTEN).await;
        let watched = Self { world, sim, router, handle };
        watched.look().await;
        watched
    }

    /// The router is connected anew and asked about itself.
    async fn look(&self) {
        advance(&self.world, &self.sim, 1);
        self.sim.cut_connections();
        until("the router was asked about itself", || async {
            self.handle.wake(self.router.id);
            let at: Option<DateTime<Utc>> =
                sqlx::query_scalar("select read_at from router_facts").fetch_optional(&self.world.pool).await.unwrap();
            (at == Some(self.world.now())).then_some(())
        })
        .await;
    }

    async fn paste(&self, command: &str) {
        let transcript = self.sim.paste(command).await;
        assert_eq!(transcript.error(), None, "{}", transcript.screen());
    }

    /// How often a kind was told, and how much of that waits to be read.
    async fn told(&self, kind: &str) -> (i64, i64) {
        sqlx::query_as("select count(*), count(case when read_at is null then 1 end) from notifications where kind = ?")
            .bind(kind)
            .fetch_one(&self.world.pool)
            .await
            .unwrap()
    }

    async fn until_told(&self, kind: &str, expected: (i64, i64)) {
        let seen = std::sync::Mutex::new((0, 0));
        let waiting = until_within(2 * PATIENCE, kind, || async {
            let told = self.told(kind).await;
            *seen.lock().unwrap() = told;
            (told == expected).then_some(())
        });
        tokio::time::timeout(PATIENCE, waiting)
            .await
            .unwrap_or_else(|_| panic!("{kind}: {:?} instead of {expected:?}", seen.lock().unwrap()));
    }

    /// A person reads everything.
    async fn read_all(&self) {
        sqlx::query("update notifications set read_at = ?, dedupe_key = null where read_at is null")
            .bind(self.world.now())
            .execute(&self.world.pool)
            .await
            .unwrap();
    }

    /// After a trouble has come: told once, however often it is seen. After `mend`: closed by itself.
    async fn lasts_and_goes(&self, kind: &str, told_before: i64, mend: impl AsyncFn(&Self)) {
        self.look().await;
        self.until_told(kind, (told_before + 1, 1)).await;
        self.look().await;
        self.look().await;
        assert_eq!(self.told(kind).await, (told_before + 1, 1), "{kind} is not repeated");
        mend(self).await;
        self.look().await;
        self.until_told(kind, (told_before + 1, 0)).await;
    }

    /// After a trouble has come: a person who has read of it is not told again.
    async fn is_not_repeated_once_read(&self, kind: &str, told_before: i64) {
        self.look().await;
        self.until_told(kind, (told_before + 1, 1)).await;
        self.read_all().await;
        self.look().await;
        self.look().await;
        assert_eq!(self.told(kind).await, (told_before + 1, 0), "{kind} was read and lasts");
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_reaper_that_is_missing_or_switched_off_is_told_until_it_runs(pool: MySqlPool) {
    const KIND: &str = "router_reaper";
    const ADD: &str = "/system scheduler add name=bando-reap interval=1m on-event=bando-reap";
    let watched = Watched::start(pool, Options::default()).await;
    watched.lasts_and_goes(KIND, 0, async |it| it.paste(ADD).await).await;
    watched.paste("/system scheduler set [find name=bando-reap] disabled=yes").await;
    let enable = async |it: &Watched| it.paste("/system scheduler set [find name=bando-reap] disabled=no").await;
    watched.lasts_and_goes(KIND, 1, enable).await;
    watched.paste("/system scheduler remove [find name=bando-reap]").await;
    watched.is_not_repeated_once_read(KIND, 2).await;
    // Well in between, so it is told anew.
    watched.paste(ADD).await;
    watched.look().await;
    watched.paste("/system scheduler remove [find name=bando-reap]").await;
    watched.is_not_repeated_once_read(KIND, 3).await;
    watched.world.stop().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_clock_that_is_off_is_told_until_it_is_right(pool: MySqlPool) {
    const KIND: &str = "router_clock";
    let watched = Watched::start(pool, Options::default()).await;
    assert_eq!(watched.told(KIND).await, (0, 0));
    // Without its battery it begins in 1970, until a time server is heard.
    watched.sim.reboot(Reboot::PowerCut);
    watched.lasts_and_goes(KIND, 0, async |it| it.sim.ntp()).await;
    watched.sim.reboot(Reboot::PowerCut);
    watched.is_not_repeated_once_read(KIND, 1).await;
    watched.world.stop().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_licence_that_is_nearly_full_is_told_until_there_is_room(pool: MySqlPool) {
    const KIND: &str = "router_license";
    // Level 1 allows one customer, who is on.
    let watched = Watched::start(pool, Options { license_level: 1, ..Options::default() }).await;
    let away = async |it: &Watched| {
        it.sim.leave(MAC).unwrap();
        advance(&it.world, &it.sim, 600);
        until("nobody is on", || async { it.sim.active().is_empty().then_some(()) }).await;
    };
    watched.lasts_and_goes(KIND, 0, away).await;
    watched.sim.join(MAC).unwrap();
    until("the customer is on", || async { (watched.sim.active().len() == 1).then_some(()) }).await;
    watched.is_not_repeated_once_read(KIND, 1).await;
    watched.world.stop().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_outage_is_told_once_and_answered_by_the_return(pool: MySqlPool) {
    let watched = Watched::start(pool, Options::default()).await;
    for outage in 0..2 {
        watched.sim.inject(FaultRule { fault: Fault::RefuseAccept, command: None, nth: 1, times: 0 }).unwrap();
        watched.sim.cut_connections();
        for secs in [100, 30, 3000] {
            advance(&watched.world, &watched.sim, secs);
            until("it was tried once more", || async {
                watched.handle.wake(watched.router.id);
                let at: Option<DateTime<Utc>> = sqlx::query_scalar("select last_error_at from routers")
                    .fetch_one(&watched.world.pool)
                    .await
                    .unwrap();
                (at == Some(watched.world.now())).then_some(())
            })
            .await;
            watched.until_told("router_down", (outage + 1, 1)).await;
        }
        assert_eq!(watched.told("router_back").await, (outage, 0));
        watched.sim.clear_faults();
        watched.look().await;
        watched.until_told("router_back", (outage + 1, 1)).await;
        // Closed by itself.
        watched.until_told("router_down", (outage + 1, 0)).await;
        watched.look().await;
        assert_eq!(watched.told("router_back").await, (outage + 1, 1), "said once");
        watched.read_all().await;
    }
    watched.world.stop().await;
}
