//! The output directory and the record of what made it, so that unchanged parts are not made again.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::{compress, error::Error};

/// One file that browsers download.
#[derive(Debug, Clone)]
pub(crate) struct Asset {
    /// Plain name, the key in `manifest.json`: `portal.wasm`.
    pub(crate) key: String,
    /// Name on disk and in addresses: `portal-0123456789abcdef.wasm`.
    pub(crate) name: String,
    /// Digest of everything the file was made from.
    pub(crate) made_from: String,
    /// Size as it is.
    pub(crate) raw_bytes: usize,
    /// Size with gzip.
    pub(crate) gzip_bytes: usize,
    /// Size with brotli.
    pub(crate) brotli_bytes: usize,
}

/// The output directory.
#[derive(Debug)]
pub(crate) struct Output {
    dir: PathBuf,
    record: PathBuf,
    work: PathBuf,
    assets: BTreeMap<String, Asset>,
    /// Keys this run asked for; what nobody asks for any more goes.
    wanted: BTreeSet<String>,
}

impl Output {
    /// Opens `dir` and what is known of its files. The record and scratch files lie beside it, since everything
    /// inside is shipped.
    pub(crate) fn open(dir: &Path) -> Result<Self, Error> {
        let work = dir.with_extension("work");
        for path in [dir, &work] {
            fs::create_dir_all(path).map_err(|error| Error::path(path, error))?;
        }
        let record = work.join("record.json");
        // A record that is missing or damaged only means that everything is made again.
        let assets = fs::read(&record).ok().and_then(|bytes| read_record(&bytes)).unwrap_or_default();
        Ok(Self { dir: dir.to_owned(), record, work, assets, wanted: BTreeSet::new() })
    }

    /// A directory for intermediate files.
    pub(crate) fn work(&self) -> &Path {
        &self.work
    }

    /// Whether `keys` are all there and were made from exactly this.
    pub(crate) fn is_current(&mut self, keys: &[String], made_from: &str) -> bool {
        self.wanted.extend(keys.iter().cloned());
        keys.iter().all(|key| {
            self.assets.get(key).is_some_and(|asset| {
                asset.made_from == made_from
                    && ["", ".br", ".gz"].iter().all(|end| self.dir.join(format!("{}{end}", asset.name)).is_file())
            })
        })
    }

    /// Writes `stem-<hash>.ext` with its compressed forms and returns that name.
    pub(crate) fn add(&mut self, stem: &str, ext: &str, made_from: &str, bytes: &[u8]) -> Result<String, Error> {
        let name = format!("{stem}-{}.{ext}", &digest([bytes])[..16]);
        let gzip = compress::gzip(bytes).map_err(|error| Error::io(&name, error))?;
        let brotli = compress::brotli(bytes).map_err(|error| Error::io(&name, error))?;
        for (end, content) in [("", bytes), (".gz", &gzip), (".br", &brotli)] {
            write_whole(&self.dir.join(format!("{name}{end}")), content)?;
        }
        let key = format!("{stem}.{ext}");
        let asset = Asset {
            key: key.clone(),
            name: name.clone(),
            made_from: made_from.to_owned(),
            raw_bytes: bytes.len(),
            gzip_bytes: gzip.len(),
            brotli_bytes: brotli.len(),
        };
        self.wanted.insert(key.clone());
        self.assets.insert(key, asset);
        Ok(name)
    }

    /// Every file, by name.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Asset> {
        self.assets.values()
    }

    /// Writes the manifest, then the record, then removes files that no manifest names any more.
    pub(crate) fn finish(&mut self) -> Result<(), Error> {
        self.assets.retain(|key, _| self.wanted.contains(key));
        let manifest: BTreeMap<&str, &str> =
            self.assets.values().map(|asset| (asset.key.as_str(), asset.name.as_str())).collect();
        let path = self.dir.join("manifest.json");
        let text = serde_json::to_string_pretty(&manifest)? + "\n";
        // Left alone when equal: the server's build looks at its time of change.
        if fs::read_to_string(&path).is_ok_and(|old| old == text) {
            return self.sweep();
        }
        write_whole(&path, text.as_bytes())?;
        self.sweep()
    }

    fn sweep(&self) -> Result<(), Error> {
        write_whole(&self.record, serde_json::to_string_pretty(&write_record(&self.assets))?.as_bytes())?;
        let entries = fs::read_dir(&self.dir).map_err(|error| Error::path(&self.dir, error))?;
        for entry in entries {
            let entry = entry.map_err(|error| Error::path(&self.dir, error))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let plain = name.trim_end_matches(".br").trim_end_matches(".gz");
            if plain != "manifest.json" && !self.assets.values().any(|asset| asset.name == plain) {
                fs::remove_file(entry.path()).map_err(|error| Error::path(&entry.path(), error))?;
            }
        }
        Ok(())
    }
}

/// SHA-256 over parts, each with its length before it, in hex.
pub(crate) fn digest<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    hex::encode(hash.finalize())
}

/// Writes a file so that a reader sees the old or the new one, never half.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".new");
    let temporary = PathBuf::from(temporary);
    fs::write(&temporary, bytes).map_err(|error| Error::path(&temporary, error))?;
    fs::rename(&temporary, path).map_err(|error| Error::path(path, error))
}

fn write_record(assets: &BTreeMap<String, Asset>) -> Value {
    let entries: Map<String, Value> = assets
        .values()
        .map(|asset| {
            let value = json!({
                "name": asset.name,
                "made_from": asset.made_from,
                "raw_bytes": asset.raw_bytes,
                "gzip_bytes": asset.gzip_bytes,
                "brotli_bytes": asset.brotli_bytes,
            });
            (asset.key.clone(), value)
        })
        .collect();
    Value::Object(entries)
}

fn read_record(bytes: &[u8]) -> Option<BTreeMap<String, Asset>> {
    let entries: Map<String, Value> = serde_json::from_slice(bytes).ok()?;
    entries
        .into_iter()
        .map(|(key, value)| {
            let text = |field: &str| value.get(field)?.as_str().map(str::to_owned);
            let size = |field: &str| usize::try_from(value.get(field)?.as_u64()?).ok();
            let asset = Asset {
                key: key.clone(),
                name: text("name")?,
                made_from: text("made_from")?,
                raw_bytes: size("raw_bytes")?,
                gzip_bytes: size("gzip_bytes")?,
                brotli_bytes: size("brotli_bytes")?,
            };
            Some((key, asset))
        })
        .collect()
}

#[cfg(test)]
#[path = "output_tests.rs"]
mod tests;
