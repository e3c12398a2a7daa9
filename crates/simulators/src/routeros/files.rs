//! `/file`: what lies on the flash, its limits, and how much room is left.

use super::{router::Router, schema, table::Row, trap::Trap};

/// Bytes of free flash on a new router.
pub(crate) const FLASH_BYTES_FREE: usize = 97_517_568;
/// Bytes `contents` shows and takes (documented: 60 KB; before version 7 4 KB).
const CONTENTS_BYTES_MAX: usize = 60 * 1024;
const CONTENTS_BYTES_MAX_V6: usize = 4096;

impl Router {
    pub(crate) const fn contents_bytes_max(&self) -> usize {
        if self.options.ros.is_v7() { CONTENTS_BYTES_MAX } else { CONTENTS_BYTES_MAX_V6 }
    }

    /// Bytes of flash that are left.
    pub(crate) fn flash_free(&self) -> usize {
        let used = self.rows("/file").iter().map(|row| row.values.get("contents").map_or(0, Vec::len));
        self.options.flash_bytes.unwrap_or(FLASH_BYTES_FREE).saturating_sub(used.sum())
    }

    /// Writes a file, in place of one of that name.
    ///
    /// # Errors
    /// When the flash is full or the name is none.
    pub(crate) fn store_file(&mut self, name: &str, contents: Vec<u8>) -> Result<(), Trap> {
        let name = name.trim_start_matches('/');
        if name.is_empty() || name.len() > 255 || name.ends_with('/') {
            return Err(Trap::new("failure: invalid file name"));
        }
        let Some(menu) = schema::menu("/file", self.options.ros) else { return Err(Trap::no_such_command()) };
        let old = self.named("/file", name).map(|row| (row.id, row.values.get("contents").map_or(0, Vec::len)));
        let freed = old.map_or(0, |(_, size)| size);
        if contents.len() > self.flash_free().saturating_add(freed) {
            return Err(Trap::new("failure: not enough disk space"));
        }
        let size = contents.len().to_string();
        if let Some((id, _)) = old {
            if let Some(row) = self.table("/file").find_mut(id) {
                row.set("size", size);
                row.set("contents", contents);
            }
            self.announce_row(menu, id);
            return Ok(());
        }
        let (date, time) = super::value::date_time(self.options.ros, self.epoch_secs());
        let mut row = Row::default();
        row.set("name", name);
        row.set("type", kind_of(name));
        row.set("size", size);
        row.set("contents", contents);
        row.set("creation-time", format!("{date} {time}"));
        row.set("last-modified", format!("{date} {time}"));
        self.insert(menu, row);
        Ok(())
    }

    /// As [`Self::store_file`], for what the router itself writes; a full flash loses it.
    pub(crate) fn put_file(&mut self, name: &str, contents: &str) {
        if let Err(trap) = self.store_file(name, contents.as_bytes().to_vec()) {
            tracing::debug!(reason = trap.message, name, "a file was not written");
        }
    }
}

/// How the router calls the type of a file.
pub(crate) fn kind_of(name: &str) -> String {
    match name.rsplit('/').next().unwrap_or_default().rsplit_once('.') {
        Some((_, "rsc")) => "script".to_owned(),
        Some((_, "backup")) => "backup".to_owned(),
        Some((_, "npk")) => "package".to_owned(),
        Some((_, ending)) => format!(".{ending} file"),
        None => "file".to_owned(),
    }
}
