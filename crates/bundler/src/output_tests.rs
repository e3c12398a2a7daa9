//! The output directory as the server and the next build see it.

use super::*;

fn directory(name: &str) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("bundler-{}-{name}", std::process::id()));
    let _ = fs::remove_dir_all(&dir);
    let _ = fs::remove_dir_all(dir.with_extension("work"));
    dir
}

fn manifest(dir: &Path) -> BTreeMap<String, String> {
    serde_json::from_slice(&fs::read(dir.join("manifest.json")).unwrap()).unwrap()
}

#[test]
fn a_second_run_knows_what_the_first_one_made() {
    let dir = directory("second-run");
    let keys = ["portal.js".to_owned()];
    let mut output = Output::open(&dir).unwrap();
    assert!(!output.is_current(&keys, "one"));
    let name = output.add("portal", "js", "one", b"export {}").unwrap();
    output.finish().unwrap();

    let mut output = Output::open(&dir).unwrap();
    assert!(output.is_current(&keys, "one"));
    assert!(!output.is_current(&keys, "two"));
    assert_eq!(manifest(&dir)["portal.js"], name);

    fs::remove_file(dir.join(format!("{name}.br"))).unwrap();
    assert!(!output.is_current(&keys, "one"), "a file that went missing must be made again");
}

#[test]
fn names_follow_content_and_old_files_go() {
    let dir = directory("names");
    let mut output = Output::open(&dir).unwrap();
    let old = output.add("admin", "css", "one", b"a{}").unwrap();
    output.finish().unwrap();
    let new = output.add("admin", "css", "two", b"b{}").unwrap();
    output.finish().unwrap();
    assert_ne!(old, new);
    assert!(!dir.join(&old).exists() && !dir.join(format!("{old}.gz")).exists());
    assert_eq!(fs::read(dir.join(&new)).unwrap(), b"b{}");
    assert_eq!(manifest(&dir), BTreeMap::from([("admin.css".to_owned(), new)]));
}

#[test]
fn a_damaged_record_means_everything_is_made_again() {
    let dir = directory("damaged");
    let mut output = Output::open(&dir).unwrap();
    output.add("portal", "js", "one", b"export {}").unwrap();
    output.finish().unwrap();
    for damage in ["", "[]", "{\"portal.js\":{\"name\":3}}", "{\"portal.js\""] {
        fs::write(output.work().join("record.json"), damage).unwrap();
        assert!(!Output::open(&dir).unwrap().is_current(&["portal.js".to_owned()], "one"), "{damage}");
    }
}

#[test]
fn parts_cannot_be_moved_between_each_other() {
    assert_ne!(digest([b"ab".as_slice(), b"c"]), digest([b"a".as_slice(), b"bc"]));
}

#[test]
fn what_nobody_asks_for_any_more_goes() {
    let dir = directory("unwanted");
    let mut output = Output::open(&dir).unwrap();
    output.add("boot", "js", "one", b"start()").unwrap();
    output.add("old", "js", "one", b"stop()").unwrap();
    output.finish().unwrap();
    let mut output = Output::open(&dir).unwrap();
    assert!(output.is_current(&["boot.js".to_owned()], "one"));
    output.finish().unwrap();
    assert_eq!(manifest(&dir).into_keys().collect::<Vec<_>>(), ["boot.js"]);
}
