//! What is read on every sale and changes once a month, kept in memory for a moment: packages, routers, settings.
//! Only what was found is kept, so that a new package or router is on sale at once.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use domain::{MacAddr, Package, PackageId, RouterId};
use tokio::time::Instant;

/// How long a package or a router is kept: so long, at most, something that was taken off sale can still be bought.
const SALE_KEPT: Duration = Duration::from_secs(1);
/// How long settings are kept.
const SETTINGS_KEPT: Duration = Duration::from_secs(5);
/// How long the list of a router's waiting devices is kept: a customer looks, switches the TV on, and looks again.
const HOSTS_KEPT: Duration = Duration::from_secs(8);
/// Most entries of a kind.
const MAX_ENTRIES: usize = 1024;

/// Names and values of settings.
pub(crate) type Settings = Arc<Vec<(String, String)>>;

/// Devices that a router sees and that are not let on.
pub(crate) type Hosts = Arc<Vec<(MacAddr, String)>>;

/// Everything that is kept.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    packages: Shelf<PackageId, Package>,
    routers: Shelf<String, RouterId>,
    settings: Shelf<(), Settings>,
    hosts: Shelf<RouterId, Hosts>,
}

impl Kept {
    pub(crate) fn package(&self, id: PackageId) -> Option<Package> {
        self.packages.get(&id, SALE_KEPT)
    }

    pub(crate) fn keep_package(&self, package: &Package) {
        self.packages.put(package.id, package.clone());
    }

    pub(crate) fn router(&self, slug: &str) -> Option<RouterId> {
        self.routers.get(slug, SALE_KEPT)
    }

    pub(crate) fn keep_router(&self, slug: &str, id: RouterId) {
        self.routers.put(slug.to_owned(), id);
    }

    pub(crate) fn settings(&self) -> Option<Settings> {
        self.settings.get(&(), SETTINGS_KEPT)
    }

    pub(crate) fn keep_settings(&self, values: Vec<(String, String)>) -> Settings {
        let values = Arc::new(values);
        self.settings.put((), Arc::clone(&values));
        values
    }

    pub(crate) fn hosts(&self, router_id: RouterId) -> Option<Hosts> {
        self.hosts.get(&router_id, HOSTS_KEPT)
    }

    pub(crate) fn keep_hosts(&self, router_id: RouterId, hosts: &Hosts) {
        self.hosts.put(router_id, Arc::clone(hosts));
    }

    pub(crate) fn forget_settings(&self) {
        self.settings.clear();
    }
}

/// Values of one kind with the moment they were read.
#[derive(Debug)]
struct Shelf<K, V>(Mutex<HashMap<K, (Instant, V)>>);

impl<K, V> Default for Shelf<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash, V: Clone> Shelf<K, V> {
    fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q, kept_for: Duration) -> Option<V>
    where
        K: std::borrow::Borrow<Q>,
    {
        let shelf = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        shelf.get(key).filter(|(read_at, _)| read_at.elapsed() < kept_for).map(|(_, value)| value.clone())
    }

    fn put(&self, key: K, value: V) {
        let mut shelf = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if shelf.len() >= MAX_ENTRIES {
            shelf.clear();
        }
        shelf.insert(key, (Instant::now(), value));
    }

    fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn values_are_kept_for_their_time_and_no_longer() {
        let kept = Kept::default();
        let id = RouterId::from_uuid(uuid::Uuid::from_u128(1));
        kept.keep_router("main", id);
        kept.keep_settings(vec![("a".into(), "b".into())]);
        assert_eq!((kept.router("main"), kept.router("other")), (Some(id), None));
        tokio::time::advance(SALE_KEPT).await;
        assert_eq!(kept.router("main"), None);
        assert!(kept.settings().is_some());
        kept.forget_settings();
        assert!(kept.settings().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn hostile_names_do_not_fill_the_memory() {
        let kept = Kept::default();
        for number in 0..5000_u128 {
            kept.keep_router(&format!("r{number}"), RouterId::from_uuid(uuid::Uuid::from_u128(number)));
        }
        assert!(kept.routers.0.lock().unwrap().len() <= MAX_ENTRIES);
    }
}
