//! What a job prints. It writes into a pipe, from which its supervisor takes it into a file: a program that
//! opens `/dev/stderr` anew, as `echo x > /dev/stderr` does in a shell, would empty a file, and one that is
//! held back has no business with the file itself.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::pipe::{PipeFlags, pipe_with};

use super::launch;

const PIECE: usize = 64 << 10;
/// So many pieces are taken at once. There are other things to do while a job floods it.
const MOST_PIECES: usize = 16;

/// Takes what a job prints.
pub(super) struct Capture {
    /// `None` when nobody can print any more.
    pipe: Option<File>,
    kept: io::Result<File>,
    piece: Vec<u8>,
}

impl Capture {
    /// Into this file, whose end it is added to; and what the job is to write into. A job whose output
    /// cannot be kept runs all the same.
    pub(super) fn into(path: &Path) -> io::Result<(Self, OwnedFd)> {
        let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
        // Only this end: a program does not expect that its output takes no more at the moment.
        rustix::io::ioctl_fionbio(&read, true)?;
        let capture = Self {
            pipe: Some(read.into()),
            kept: launch::appending(path).map_err(io::Error::other),
            piece: vec![0; PIECE],
        };
        Ok((capture, write))
    }

    /// Readable when something was printed.
    pub(super) fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().map(File::as_fd)
    }

    /// Takes what is there, or much of it.
    pub(super) fn take(&mut self) {
        for _ in 0..MOST_PIECES {
            if !self.take_piece() {
                return;
            }
        }
    }

    /// Takes all that is there when nobody prints any more. What went wrong meanwhile.
    pub(super) fn finish(mut self) -> io::Result<()> {
        while self.take_piece() {}
        self.kept.map(drop)
    }

    /// Whether there may be more.
    fn take_piece(&mut self) -> bool {
        let Some(pipe) = &mut self.pipe else {
            return false;
        };
        let piece = match pipe.read(&mut self.piece) {
            Ok(length) if length > 0 => self.piece.get(..length).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::Interrupted => return true,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
            Ok(_) | Err(_) => {
                self.pipe = None;
                return false;
            }
        };
        // What comes after a gap would be misleading, so nothing is kept any more.
        if let Ok(file) = &mut self.kept
            && let Err(error) = file.write_all(piece)
        {
            self.kept = Err(error);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_kept_and_the_end_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("output.log");
        std::fs::write(&path, "before\n").unwrap();
        let (mut capture, write) = Capture::into(&path).unwrap();
        let mut write = File::from(write);
        capture.take();
        assert!(capture.as_fd().is_some(), "it may still come");
        let large = vec![b'x'; 3 << 20];
        let printing = std::thread::spawn(move || write.write_all(&large));
        while capture.as_fd().is_some() {
            capture.take();
        }
        printing.join().unwrap().unwrap();
        capture.finish().unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 7 + (3 << 20));
    }

    #[test]
    fn a_job_prints_on_when_nothing_can_be_kept() {
        let (mut capture, write) = Capture::into(Path::new("/dev/full")).unwrap();
        let mut write = File::from(write);
        for _ in 0..40 {
            write.write_all(&[b'x'; 4096]).unwrap();
            capture.take();
        }
        drop(write);
        let error = capture.finish().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StorageFull);
    }
}
