//! Rows in the order they came, found by their address without going through all of them.

use std::{
    collections::{BTreeMap, HashMap, btree_map::Values},
    net::Ipv4Addr,
};

/// A row that has an address for as long as it lives.
pub(crate) trait HasAddress {
    fn ip(&self) -> Ipv4Addr;
}

/// The rows. Several may have one address: two devices that claim it.
#[derive(Debug)]
pub(crate) struct ByAddress<T> {
    /// By a number that grows.
    rows: BTreeMap<u64, T>,
    places: HashMap<Ipv4Addr, Vec<u64>>,
    next: u64,
}

impl<T> Default for ByAddress<T> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), places: HashMap::new(), next: 0 }
    }
}

impl<T: HasAddress> ByAddress<T> {
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn iter(&self) -> Values<'_, u64, T> {
        self.rows.values()
    }

    /// The rows with an address, oldest first.
    pub(crate) fn at(&self, ip: Ipv4Addr) -> impl Iterator<Item = &T> {
        self.places.get(&ip).into_iter().flatten().filter_map(|place| self.rows.get(place))
    }

    /// As [`Self::at`], the first that fits, to be changed. Its address must stay.
    pub(crate) fn find_at_mut(&mut self, ip: Ipv4Addr, fits: impl Fn(&T) -> bool) -> Option<&mut T> {
        let place = *self.places.get(&ip)?.iter().find(|place| self.rows.get(place).is_some_and(&fits))?;
        self.rows.get_mut(&place)
    }

    pub(crate) fn push(&mut self, row: T) {
        self.places.entry(row.ip()).or_default().push(self.next);
        self.rows.insert(self.next, row);
        self.next = self.next.saturating_add(1);
    }

    /// Takes out the first row that fits.
    pub(crate) fn remove(&mut self, fits: impl Fn(&T) -> bool) -> Option<T> {
        let place = *self.rows.iter().find(|(_, row)| fits(row))?.0;
        let row = self.rows.remove(&place)?;
        if let Some(places) = self.places.get_mut(&row.ip()) {
            places.retain(|other| *other != place);
            if places.is_empty() {
                self.places.remove(&row.ip());
            }
        }
        Some(row)
    }

    pub(crate) fn clear(&mut self) {
        self.rows.clear();
        self.places.clear();
    }
}
