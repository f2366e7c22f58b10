//! A number that tells whether two pieces of text are the same: FNV-1a, 64 bits, stable over versions
//! and machines, as stored state needs it.

/// A fingerprint on its way.
pub(crate) struct Fingerprint(u64);

impl Default for Fingerprint {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fingerprint {
    /// Takes in a text.
    pub(crate) fn take(&mut self, text: &str) {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    /// Returns the number.
    pub(crate) const fn value(&self) -> u64 {
        self.0
    }
}
