//! One engine at a time: the lock on its directory.
//!
//! The lock is the operating system's, so it ends with the process however that ends; the file stays.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use crate::{Error, error::Result, schema};

/// The lock's file in the engine's directory.
const FILE: &str = "engine.lock";
/// Somebody who only asks for the holder has the lock for an instant; that is not an engine.
const TRIES: usize = 100;

/// Held for as long as an engine works in a directory.
#[derive(Debug)]
pub struct EngineLock {
    file: File,
}

impl EngineLock {
    /// Takes the lock, creating the directory if there is none. Once this has returned, every other call answers
    /// [`Error::InUse`] until the lock is dropped or this process ends.
    pub fn take(dir: &Path) -> Result<Self> {
        schema::create_dir(dir)?;
        let path = dir.join(FILE);
        let failed = |doing| move |error| Error::file(doing, &dir.join(FILE), error);
        let mut file = OpenOptions::new()
            .create(true)
            .read(true)
            .write(true)
            .truncate(false)
            .open(&path)
            .map_err(failed("open the lock"))?;

        if !locked(&file).map_err(failed("take the lock"))? {
            return Err(Error::InUse { pid: read_pid(&mut file) });
        }
        file.set_len(0)
            .and_then(|()| file.seek(SeekFrom::Start(0)))
            .and_then(|_| writeln!(file, "{}", std::process::id()))
            .map_err(failed("write the lock"))?;
        Ok(Self { file })
    }

    /// The process that holds the lock, if one does.
    pub fn holder(dir: &Path) -> Option<u32> {
        let mut file = File::open(dir.join(FILE)).ok()?;
        match file.try_lock_shared() {
            Ok(()) => None,
            Err(TryLockError::WouldBlock) => read_pid(&mut file),
            Err(TryLockError::Error(_)) => None,
        }
    }
}

impl Drop for EngineLock {
    fn drop(&mut self) {
        // Closing the file would do as well; an error here leaves exactly that.
        let _ = self.file.unlock();
    }
}

fn locked(file: &File) -> std::io::Result<bool> {
    for _ in 0..TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::WouldBlock) => std::thread::yield_now(),
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Ok(false)
}

fn read_pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.seek(SeekFrom::Start(0)).ok()?;
    file.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_engine_is_told_who_holds_the_directory() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(EngineLock::holder(dir.path()), None);

        let lock = EngineLock::take(dir.path()).unwrap();
        assert_eq!(EngineLock::holder(dir.path()), Some(std::process::id()));
        match EngineLock::take(dir.path()) {
            Err(Error::InUse { pid }) => assert_eq!(pid, Some(std::process::id())),
            other => panic!("expected InUse, got {other:?}"),
        }

        drop(lock);
        assert_eq!(EngineLock::holder(dir.path()), None);
        EngineLock::take(dir.path()).unwrap();
    }
}
