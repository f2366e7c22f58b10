//! Evidence that is not lines of UTF-8 is rewritten to them while it is read.

use std::io::{self, Read};

/// How the bytes of a file become text.
pub(crate) trait Rewrite {
    /// Takes out of `open` what is whole, and appends what becomes of it to `text`. When the file is over
    /// nothing will follow; what is left then is lost.
    ///
    /// # Errors
    ///
    /// What was read cannot be written as text.
    fn rewrite(&mut self, open: &mut Vec<u8>, is_over: bool, text: &mut Vec<u8>) -> io::Result<()>;
}

/// Reads what a file becomes.
#[derive(Debug)]
pub(crate) struct Rewritten<R, W> {
    inner: R,
    rewrite: W,
    /// What is read and not yet whole.
    open: Vec<u8>,
    /// What is written and not yet handed on, from this place.
    text: Vec<u8>,
    handed: usize,
    is_over: bool,
}

/// How much is read at a time.
const BLOCK_BYTES: u64 = 64 * 1024;

impl<R: Read, W: Rewrite> Rewritten<R, W> {
    /// Returns a reader of what the rest of `inner` becomes.
    pub(crate) fn new(inner: R, rewrite: W) -> Self {
        let (open, text) = (Vec::new(), Vec::new());
        Self { inner, rewrite, open, text, handed: 0, is_over: false }
    }

    fn fill(&mut self) -> io::Result<()> {
        self.text.clear();
        self.handed = 0;
        let read = Read::take(&mut self.inner, BLOCK_BYTES).read_to_end(&mut self.open)?;
        self.is_over = read == 0;
        self.rewrite.rewrite(&mut self.open, self.is_over, &mut self.text)
    }
}

impl<R: Read, W: Rewrite> Read for Rewritten<R, W> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.handed == self.text.len() && !self.is_over {
            self.fill()?;
        }
        let mut rest = self.text.get(self.handed..).unwrap_or_default();
        let count = rest.read(buffer)?;
        self.handed += count;
        Ok(count)
    }
}
