//! Every way in which files change in the field. Events are what is tested: the poll is an hour away, but in its own test.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::*;

const NEVER: Duration = Duration::from_secs(3_600);
/// For an event that must come; only a test that fails waits for it.
const PATIENCE: Duration = Duration::from_secs(20);

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder for tests")
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).expect("written");
}

fn watch(paths: &[&Path]) -> (Watcher, mpsc::Receiver<Changed>) {
    Watcher::new(paths.iter().map(|path| path.to_path_buf()).collect(), NEVER)
}

/// Waits until `path` is told to have changed. A file that is written in place may be told twice: emptied, and filled.
async fn told(changes: &mut mpsc::Receiver<Changed>, path: &Path) {
    let change = tokio::time::timeout(PATIENCE, changes.recv()).await.expect("a change in time").expect("a watcher");
    assert_eq!(change.path, path);
}

#[tokio::test]
async fn an_edit_in_place_is_told() {
    let dir = folder();
    let file = dir.path().join("a.yaml");
    write(&file, "one");
    let (_watcher, mut changes) = watch(&[&file]);
    write(&file, "two");
    told(&mut changes, &file).await;
}

#[tokio::test]
async fn a_rename_over_the_file_is_told() {
    let dir = folder();
    let (file, new) = (dir.path().join("a.yaml"), dir.path().join("a.yaml.tmp"));
    write(&file, "one");
    let (_watcher, mut changes) = watch(&[&file]);
    write(&new, "two");
    fs::rename(&new, &file).expect("renamed");
    told(&mut changes, &file).await;
}

#[cfg(unix)]
#[tokio::test]
async fn the_swap_of_a_configmap_is_told_each_time() {
    use std::os::unix::fs::symlink;
    let dir = folder();
    let at = |name: &str| dir.path().join(name);
    let swap = |version: &str| {
        fs::create_dir(at(version)).expect("made");
        write(&at(version).join("a.yaml"), version);
        symlink(version, at("..data_tmp")).expect("linked");
        fs::rename(at("..data_tmp"), at("..data")).expect("renamed");
    };
    swap("..1");
    symlink("..data/a.yaml", at("a.yaml")).expect("linked");
    let (file, all) = (at("a.yaml"), dir.path().to_path_buf());
    let (_watcher, mut changes) = watch(&[&file, &all]);
    for (version, old) in [("..2", "..1"), ("..3", "..2")] {
        swap(version);
        told(&mut changes, &all).await;
        told(&mut changes, &file).await;
        fs::remove_dir_all(at(old)).expect("removed");
    }
}

#[tokio::test]
async fn a_file_in_a_folder_that_comes_later_is_told() {
    let dir = folder();
    let file = dir.path().join("etc/interlocal/a.yaml");
    let (_watcher, mut changes) = watch(&[&file]);
    for _time in 0..2 {
        fs::create_dir_all(dir.path().join("etc/interlocal")).expect("made");
        write(&dir.path().join("new"), "one");
        fs::rename(dir.path().join("new"), &file).expect("renamed");
        told(&mut changes, &file).await;
        fs::remove_dir_all(dir.path().join("etc")).expect("removed");
        told(&mut changes, &file).await;
    }
}

#[tokio::test]
async fn a_deleted_file_is_told() {
    let dir = folder();
    let file = dir.path().join("a.yaml");
    write(&file, "one");
    let (_watcher, mut changes) = watch(&[&file]);
    fs::remove_file(&file).expect("removed");
    told(&mut changes, &file).await;
}

#[tokio::test]
async fn a_folder_is_told_for_each_of_its_files() {
    let dir = folder();
    let all = dir.path().join("manifests");
    fs::create_dir(&all).expect("made");
    let (_watcher, mut changes) = watch(&[&all]);
    write(&all.join("b.yaml"), "");
    told(&mut changes, &all).await;
    fs::rename(all.join("b.yaml"), all.join("c.yaml")).expect("renamed");
    told(&mut changes, &all).await;
    fs::remove_file(all.join("c.yaml")).expect("removed");
    told(&mut changes, &all).await;
}

#[tokio::test]
async fn what_stays_the_same_is_not_told() {
    let dir = folder();
    let (file, marker) = (dir.path().join("a.yaml"), dir.path().join("marker"));
    write(&file, "one");
    let (watcher, mut changes) = watch(&[&file]);
    write(&dir.path().join("other.yaml"), "beside it");
    let _ = fs::read(&file).expect("read");
    let new = dir.path().join("new");
    write(&new, "one");
    fs::rename(&new, &file).expect("renamed");
    // One look compares everything and tells in the order of the names, so the file would come first.
    watcher.set_paths(vec![file.clone(), marker.clone()]);
    told(&mut changes, &marker).await;
}

#[tokio::test]
async fn a_poke_tells_of_everything_and_new_paths_are_told_once() {
    let dir = folder();
    let (one, two) = (dir.path().join("1.yaml"), dir.path().join("2.yaml"));
    write(&one, "one");
    let (watcher, mut changes) = watch(&[&one]);
    watcher.set_paths(vec![one.clone(), two.clone()]);
    told(&mut changes, &two).await;
    watcher.poke();
    told(&mut changes, &one).await;
    told(&mut changes, &two).await;
    write(&two, "two");
    told(&mut changes, &two).await;
}

#[tokio::test]
async fn polling_finds_what_no_event_told() {
    let dir = folder();
    let file = dir.path().join("a.yaml");
    write(&file, "one");
    let shared = Arc::new(Shared { orders: Mutex::default(), wake: Notify::new() });
    let (_watcher, mut changes) =
        Watcher::start(shared, Folders::polled(), vec![file.clone()], Duration::from_millis(10));
    write(&file, "two");
    told(&mut changes, &file).await;
}

#[tokio::test]
async fn a_file_that_never_rests_is_told_all_the_same() {
    use std::sync::atomic::{AtomicBool, Ordering};
    let dir = folder();
    let file = dir.path().join("a.yaml");
    write(&file, "one");
    let (_watcher, mut changes) = watch(&[&file]);
    let done = Arc::new(AtomicBool::new(false));
    let (busy, stop) = (file.clone(), Arc::clone(&done));
    let writer = std::thread::spawn(move || {
        let mut number = 0;
        while !stop.load(Ordering::Relaxed) {
            number += 1;
            write(&busy, &number.to_string());
        }
    });
    told(&mut changes, &file).await;
    done.store(true, Ordering::Relaxed);
    writer.join().expect("the writer is well");
}
