use std::collections::HashSet;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, SystemTime};

use proptest::collection::vec;
use proptest::prelude::*;
use tempfile::TempDir;

use super::stream::{self, CHUNK};
use super::*;
use crate::model::code::Code;
use crate::model::ids::ContentHash;

fn store() -> (TempDir, Cas) {
    let dir = tempfile::tempdir().unwrap();
    let cas = Cas::open(&dir.path().join("cas")).unwrap();
    (dir, cas)
}

fn bytes_of(cas: &Cas, hash: &ContentHash) -> Vec<u8> {
    let mut bytes = Vec::new();
    cas.read_to(hash, &mut bytes).unwrap();
    bytes
}

fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 31 + i / 251) as u8).collect()
}

fn files_in(dir: &Path) -> usize {
    fs::read_dir(dir).unwrap().count()
}

/// Writes to an object behind the store's back, keeping its mode.
fn overwrite(cas: &Cas, hash: &ContentHash, bytes: &[u8]) {
    let path = cas.object_path(hash);
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    fs::write(&path, bytes).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o444)).unwrap();
}

fn age(path: &Path) {
    let long_ago = SystemTime::now() - Duration::from_secs(7200);
    File::open(path).unwrap().set_modified(long_ago).unwrap();
}

fn an_hour_ago() -> SystemTime {
    SystemTime::now() - Duration::from_secs(3600)
}

/// Gives its bytes in pieces of an odd size, as pipes do.
struct Drip<'a>(&'a [u8], usize);

impl Read for Drip<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.1.min(buffer.len()).min(self.0.len());
        buffer[..n].copy_from_slice(&self.0[..n]);
        self.0 = &self.0[n..];
        Ok(n)
    }
}

#[test]
fn every_way_of_putting_agrees_around_chunk_boundaries() {
    let (dir, cas) = store();
    let source = dir.path().join("source");
    for len in [
        0,
        1,
        64,
        1024,
        CHUNK - 1,
        CHUNK,
        CHUNK + 1,
        2 * CHUNK,
        7 * CHUNK + 3,
    ] {
        let bytes = pattern(len);
        fs::write(&source, &bytes).unwrap();
        let first = cas.put_file(&source).unwrap();
        assert!(first.new, "{len}");
        assert_eq!(first.size, len as u64);
        assert_eq!(first.hash.hex(), blake3::hash(&bytes).to_hex().as_str());
        for again in [
            cas.put_bytes(&bytes).unwrap(),
            cas.put_reader(Drip(&bytes, 65_521)).unwrap(),
        ] {
            assert_eq!((again.hash, again.new), (first.hash.clone(), false));
        }
        assert!(bytes_of(&cas, &first.hash) == bytes, "{len}");
        assert_eq!(cas.size(&first.hash).unwrap(), len as u64);
    }
    assert_eq!(cas.list().unwrap().count(), 9);
    assert_eq!(files_in(&cas.tmp_dir()), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn what_was_put_comes_back(bytes in vec(any::<u8>(), 0..5000), piece in 1usize..700) {
        let (_dir, cas) = store();
        let stored = cas.put_reader(Drip(&bytes, piece)).unwrap();
        prop_assert!(stored.new);
        prop_assert_eq!(bytes_of(&cas, &stored.hash), bytes);
    }

    #[test]
    fn gc_keeps_the_live_and_the_young(flags in vec((any::<bool>(), any::<bool>()), 0..20)) {
        let (_dir, cas) = store();
        let mut live = HashSet::new();
        let mut doomed = Vec::new();
        for (i, (is_live, is_old)) in flags.iter().enumerate() {
            let hash = cas.put_bytes(&[i as u8]).unwrap().hash;
            if *is_old {
                age(&cas.object_path(&hash));
            }
            if *is_live {
                live.insert(hash);
            } else if *is_old {
                doomed.push(hash);
            }
        }
        doomed.sort();
        let report = cas.gc(&live, an_hour_ago()).unwrap();
        prop_assert_eq!(report.bytes, doomed.len() as u64);
        prop_assert_eq!(report.kept as usize, flags.len() - doomed.len());
        prop_assert_eq!(report.removed, doomed);
        prop_assert_eq!(cas.list().unwrap().count() as u64, report.kept);
    }
}

#[test]
fn every_single_flipped_bit_is_found() {
    let (_dir, cas) = store();
    let good = b"a small object".to_vec();
    let hash = cas.put_bytes(&good).unwrap().hash;
    for bit in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        overwrite(&cas, &hash, &bad);
        let report = cas.verify(|_| {}).unwrap();
        assert_eq!(report.damaged, std::slice::from_ref(&hash), "bit {bit}");
        assert!(!cas.contains(&hash).unwrap());
        assert!(cas.put_bytes(&good).unwrap().new);
    }
    let kept = files_in(&cas.quarantine_dir());
    assert_eq!(kept, good.len() * 8, "damaged bytes are kept");
}

#[test]
fn verify_reports_sound_stores_misplaced_objects_and_foreign_files() {
    let (_dir, cas) = store();
    let sizes: Vec<usize> = (0..40).collect();
    for &size in &sizes {
        cas.put_bytes(&pattern(size)).unwrap();
    }
    let mut steps = Vec::new();
    let report = cas.verify(|p| steps.push(p)).unwrap();
    assert_eq!(report.checked, 40);
    assert_eq!(report.bytes, sizes.iter().sum::<usize>() as u64);
    assert!(report.damaged.is_empty() && report.foreign.is_empty());
    assert_eq!(steps.last().unwrap().checked, 40);
    assert!(steps.iter().all(|step| step.total == 40));

    let object = cas.put_bytes(b"mine").unwrap().hash;
    let elsewhere = ContentHash::from_hex(&"ab".repeat(32)).unwrap();
    fs::create_dir_all(cas.shard_dir(&elsewhere)).unwrap();
    fs::copy(cas.object_path(&object), cas.object_path(&elsewhere)).unwrap();
    let foreign = [
        cas.objects_dir().join("README"),
        cas.shard_dir(&object).join("note"),
    ];
    for path in &foreign {
        fs::write(path, "hello").unwrap();
    }
    let report = cas.verify(|_| {}).unwrap();
    assert_eq!(report.damaged, [elsewhere]);
    let mut expected = foreign.to_vec();
    expected.sort();
    assert_eq!(report.foreign, expected);
    assert!(foreign.iter().all(|path| path.exists()));
}

#[test]
fn reading_a_damaged_object_fails_and_moves_it_aside() {
    let (_dir, cas) = store();
    let hash = cas.put_bytes(b"right").unwrap().hash;
    overwrite(&cas, &hash, b"wrong");
    let error = cas.read_to(&hash, &mut Vec::new()).unwrap_err();
    assert_eq!(error.code(), Code::ArtifactDamaged);
    assert_eq!(files_in(&cas.quarantine_dir()), 1);
    let again = cas.open_object(&hash).unwrap_err();
    let CasError::Damaged { file, .. } = again else {
        panic!("{again}");
    };
    assert_eq!(fs::read(file).unwrap(), b"wrong");
    assert!(matches!(cas.size(&hash), Err(CasError::Unknown(_))));
}

#[test]
fn a_truncated_object_is_replaced_by_the_next_put() {
    let (_dir, cas) = store();
    let hash = cas.put_bytes(b"whole").unwrap().hash;
    overwrite(&cas, &hash, b"who");
    assert!(cas.put_bytes(b"whole").unwrap().new);
    assert_eq!(bytes_of(&cas, &hash), b"whole");
    assert_eq!(files_in(&cas.quarantine_dir()), 1);
}

#[test]
fn many_puts_of_the_same_content_make_one_object() {
    let (_dir, cas) = store();
    let bytes = pattern(CHUNK + 17);
    let barrier = Barrier::new(8);
    let new: usize = thread::scope(|scope| {
        let puts: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    barrier.wait();
                    cas.put_reader(&*bytes).unwrap().new
                })
            })
            .collect();
        puts.into_iter()
            .map(|put| usize::from(put.join().unwrap()))
            .sum()
    });
    assert_eq!(new, 1);
    assert_eq!(cas.list().unwrap().count(), 1);
    assert_eq!(files_in(&cas.tmp_dir()), 0);
}

#[test]
fn putting_again_protects_an_old_object() {
    let (_dir, cas) = store();
    let hash = cas.put_bytes(b"again").unwrap().hash;
    age(&cas.object_path(&hash));
    assert!(!cas.put_bytes(b"again").unwrap().new);
    let report = cas.gc(&HashSet::new(), an_hour_ago()).unwrap();
    assert!(report.removed.is_empty());
}

#[test]
fn a_put_during_gc_is_never_lost() {
    let (_dir, cas) = store();
    let names: Vec<[u8; 2]> = (0..300u16).map(u16::to_be_bytes).collect();
    for name in &names {
        age(&cas.object_path(&cas.put_bytes(name).unwrap().hash));
    }
    thread::scope(|scope| {
        scope.spawn(|| cas.gc(&HashSet::new(), an_hour_ago()).unwrap());
        for name in &names {
            cas.put_bytes(name).unwrap();
        }
    });
    assert_eq!(cas.list().unwrap().count(), names.len());
}

#[test]
fn leftovers_of_a_killed_writer_are_swept_and_those_of_a_living_one_are_not() {
    let (_dir, cas) = store();
    let hash = cas.put_bytes(b"finished").unwrap().hash;
    // Killed before the link, killed between link and removal, and still writing.
    fs::write(cas.tmp_dir().join("put-half"), "hal").unwrap();
    fs::hard_link(cas.object_path(&hash), cas.tmp_dir().join("put-linked")).unwrap();
    let alive = cas.tmp_dir().join("put-alive");
    let writer = File::create(&alive).unwrap();
    fs2::FileExt::lock_exclusive(&writer).unwrap();
    for name in ["put-half", "put-linked", "put-alive"] {
        age(&cas.tmp_dir().join(name));
    }
    let young = cas.tmp_dir().join("put-young");
    fs::write(&young, "").unwrap();

    assert_eq!(cas.list().unwrap().count(), 1, "leftovers are no objects");
    let live = HashSet::from([hash.clone()]);
    assert_eq!(cas.gc(&live, an_hour_ago()).unwrap().leftovers, 2);
    assert!(alive.exists() && young.exists());
    assert_eq!(bytes_of(&cas, &hash), b"finished");
}

#[test]
fn changing_the_source_does_not_change_the_object() {
    let (dir, cas) = store();
    let source = dir.path().join("source");
    let bytes = pattern(3 * CHUNK);
    fs::write(&source, &bytes).unwrap();
    let hash = cas.put_file(&source).unwrap().hash;
    fs::write(&source, "changed").unwrap();
    assert!(bytes_of(&cas, &hash) == bytes);
    let mode = fs::metadata(cas.object_path(&hash)).unwrap().permissions();
    assert_eq!(mode.mode() & 0o222, 0, "objects are read-only");
}

#[test]
fn failing_inputs_leave_nothing() {
    struct Broken(usize);
    impl Read for Broken {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let n = self.0.min(buffer.len());
            self.0 -= n;
            if n == 0 {
                Err(io::Error::other("broken pipe"))
            } else {
                Ok(n)
            }
        }
    }
    let (dir, cas) = store();
    for len in [0, 10, 3 * CHUNK] {
        let error = cas.put_reader(Broken(len)).unwrap_err();
        assert!(matches!(error, CasError::Input(_)), "{error}");
    }
    let missing = cas.put_file(&dir.path().join("missing")).unwrap_err();
    assert_eq!(missing.code(), Code::Io);
    assert!(cas.put_file(Path::new("/dev/zero")).is_err());
    assert!(cas.put_file(dir.path()).is_err());
    assert_eq!(files_in(&cas.tmp_dir()), 0);
    assert_eq!(cas.list().unwrap().count(), 0);
}

#[test]
fn a_full_disk_has_its_own_code() {
    for len in [10, 5 * CHUNK] {
        let mut full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let on_write = CasError::at("write", Path::new("/dev/full"));
        let error = stream::copy(&*pattern(len), &mut full, on_write)
            .map(|_| ())
            .unwrap_err();
        assert_eq!(error.code(), Code::DiskFull, "{error}");
    }
}

#[test]
fn a_store_that_cannot_be_written_has_its_own_code() {
    for errno in [rustix::io::Errno::ROFS, rustix::io::Errno::ACCESS] {
        let error = CasError::at("create", Path::new("x"))(errno.into());
        assert_eq!(error.code(), Code::StoreReadOnly);
    }
    let (dir, cas) = store();
    let stored = cas.put_bytes(b"before").unwrap();
    fs::set_permissions(cas.tmp_dir(), Permissions::from_mode(0o555)).unwrap();
    // Root may write everywhere; then there is nothing to see here.
    if File::create(cas.tmp_dir().join("probe")).is_err() {
        let error = cas.put_bytes(b"after").unwrap_err();
        assert_eq!(error.code(), Code::StoreReadOnly, "{error}");
    }
    let reopened = Cas::open(&dir.path().join("cas")).unwrap();
    assert_eq!(bytes_of(&reopened, &stored.hash), b"before");
    fs::set_permissions(cas.tmp_dir(), Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_root_that_is_a_file_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    assert_eq!(Cas::open(&file).unwrap_err().code(), Code::Io);
}

/// Whoever reads it, and wherever the bit is.
#[test]
fn one_flipped_bit_in_each_of_a_thousand_is_found() {
    let memory = Path::new("/dev/shm");
    let dir = match memory.is_dir() {
        true => tempfile::tempdir_in(memory),
        false => tempfile::tempdir(),
    };
    let dir = dir.unwrap();
    let cas = Cas::open(dir.path()).unwrap();
    let mut state = 7_u64;
    let mut next = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    for n in 0..1_000 {
        let length = 1 + next(500);
        let mut bytes: Vec<u8> = (0..length).map(|_| next(256) as u8).collect();
        let hash = cas.put_bytes(&bytes).unwrap().hash;
        let bit = next(length * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        let file = cas.object_path(&hash);
        std::fs::remove_file(&file).unwrap();
        std::fs::write(&file, &bytes).unwrap();
        let read = match n % 2 {
            0 => cas.read_to(&hash, &mut Vec::new()).map(drop),
            _ => cas.open_checked(&hash).map(drop),
        };
        let error = read.unwrap_err();
        assert_eq!(
            error.code(),
            Code::ArtifactDamaged,
            "bit {bit} of {length} bytes: {error}"
        );
        assert!(!cas.contains(&hash).unwrap(), "it is put aside");
    }
}
