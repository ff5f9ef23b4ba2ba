//! How two texts differ, as the hunks of a unified diff.

use std::io;

use gix::diff::blob::unified_diff::{ConsumeHunk, ContextSize, DiffLineKind, HunkHeader};
use gix::diff::blob::{Algorithm, InternedInput, UnifiedDiff, diff_with_slider_heuristics};

/// The hunks, with three lines around; empty when nothing differs.
pub fn hunks(before: &[u8], after: &[u8]) -> Vec<u8> {
    let input = InternedInput::new(before, after);
    let diff = diff_with_slider_heuristics(Algorithm::Histogram, &input);
    let printer = Hunks(Vec::new());
    let hunks = UnifiedDiff::new(&diff, &input, printer, ContextSize::default()).consume();
    // The printer writes into memory, which does not fail.
    hunks.unwrap_or_default()
}

/// The text of hunks.
struct Hunks(Vec<u8>);

impl ConsumeHunk for Hunks {
    type Out = Vec<u8>;

    fn consume_hunk(
        &mut self,
        header: HunkHeader,
        lines: &[(DiffLineKind, &[u8])],
    ) -> io::Result<()> {
        self.0.extend(format!("{header}\n").bytes());
        for (kind, line) in lines {
            self.0.extend(kind.to_prefix().to_string().bytes());
            self.0.extend_from_slice(line);
            if !line.ends_with(b"\n") {
                self.0
                    .extend_from_slice(b"\n\\ No newline at end of file\n");
            }
        }
        Ok(())
    }

    fn finish(self) -> Vec<u8> {
        self.0
    }
}
