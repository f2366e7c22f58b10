//! Walking through a tar archive as it streams by: names, sizes, bytes. Ustar with the long names of GNU tar
//! and of pax; everything else is passed over. Hostile bytes: every length is bounded, nothing is unpacked.

use std::fmt;
use std::io::{self, Read};

/// A block of a tar archive.
///
/// Source: POSIX.1-2017, pax, "ustar Interchange Format".
const BLOCK: usize = 512;

/// Longest name that is read from an entry of its own.
const NAME_BYTES_MAX: u64 = 64 * 1024;

/// A file in the archive, as it is handed on.
pub struct Entry<'a> {
    /// Its path in the archive.
    pub name: &'a str,
    /// How large it is said to be.
    pub size_bytes: u64,
    /// When it was last written, in seconds since 1970.
    pub modified: Option<i64>,
    /// Its bytes.
    pub bytes: &'a mut dyn Read,
}

impl fmt::Debug for Entry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, size_bytes, .. } = self;
        write!(f, "{name} ({size_bytes} bytes)")
    }
}

/// Gives each file to `each`, at most so many; a damaged archive ends early.
///
/// # Errors
/// When the stream cannot be read, or `each` fails.
pub fn walk(
    stream: &mut dyn Read,
    most: usize,
    each: &mut dyn FnMut(Entry<'_>) -> io::Result<()>,
) -> io::Result<()> {
    let mut long: Option<String> = None;
    let mut block = [0_u8; BLOCK];
    for _ in 0..most {
        if !fill(stream, &mut block)? || block.iter().all(|byte| *byte == 0) {
            return Ok(());
        }
        let Some(size) = number(block.get(124..136).unwrap_or_default()) else { return Ok(()) };
        let kind = block.get(156).copied().unwrap_or_default();
        let padding = (BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64;
        let mut body = (&mut *stream).take(size);
        match kind {
            b'L' | b'x' => {
                let mut text = Vec::new();
                body.by_ref().take(NAME_BYTES_MAX).read_to_end(&mut text)?;
                let text = String::from_utf8_lossy(&text).into_owned();
                long = if kind == b'L' {
                    Some(text.trim_end_matches('\0').to_owned())
                } else {
                    path_of(&text).or(long)
                };
            }
            b'0' | 0 => {
                let name = long.take().unwrap_or_else(|| short_name(&block));
                let modified = number(block.get(136..148).unwrap_or_default());
                let modified = modified.and_then(|seconds| i64::try_from(seconds).ok());
                each(Entry { name: &name, size_bytes: size, modified, bytes: &mut body })?;
            }
            _ => long = None,
        }
        io::copy(&mut body, &mut io::sink())?;
        io::copy(&mut (&mut *stream).take(padding), &mut io::sink())?;
    }
    Ok(())
}

/// Fills a block; returns whether there was a whole one.
fn fill(stream: &mut dyn Read, block: &mut [u8; BLOCK]) -> io::Result<bool> {
    match stream.read_exact(block) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// Reads a size: octal digits, or for large files a number in base 256.
fn number(field: &[u8]) -> Option<u64> {
    let (first, rest) = field.split_first()?;
    if first & 0x80 != 0 {
        let low = rest.get(rest.len().checked_sub(8)?..)?;
        return low.try_into().ok().map(u64::from_be_bytes).filter(|size| *size < 1 << 50);
    }
    let text = std::str::from_utf8(field).ok()?.trim_matches(['\0', ' ']);
    if text.is_empty() { Some(0) } else { u64::from_str_radix(text, 8).ok() }
}

fn short_name(block: &[u8; BLOCK]) -> String {
    let field = |from: usize, to: usize| {
        let bytes = block.get(from..to).unwrap_or_default();
        let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
        String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned()
    };
    // GNU tar has times where ustar has the beginning of long names.
    let is_posix = block.get(257..263).is_some_and(|magic| magic == b"ustar\0");
    match field(345, 500) {
        prefix if is_posix && !prefix.is_empty() => format!("{prefix}/{}", field(0, 100)),
        _ => field(0, 100),
    }
}

/// Returns the name in the records of a pax header: `27 path=a/long/name`, each with its own length.
fn path_of(records: &str) -> Option<String> {
    let path = |line: &str| line.split_once(' ')?.1.strip_prefix("path=").map(str::to_owned);
    records.lines().find_map(path)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    fn names(bytes: &[u8]) -> Vec<(String, u64, String)> {
        let mut found = Vec::new();
        walk(&mut &*bytes, 1_000, &mut |entry| {
            let mut text = String::new();
            entry.bytes.read_to_string(&mut text)?;
            found.push((entry.name.to_owned(), entry.size_bytes, text));
            Ok(())
        })
        .unwrap();
        found.sort();
        found
    }

    #[test]
    fn what_real_tar_packs_is_read_in_each_of_its_formats() {
        let folder = tempfile::tempdir().unwrap();
        let long = format!("{}/{}.txt", "thu-muc".repeat(9), "ten-rat-dai".repeat(12));
        for (name, text) in [("a.txt", "một"), (long.as_str(), "hai")] {
            let path = folder.path().join("x").join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        for format in ["gnu", "pax"] {
            let packed = Command::new("tar")
                .args(["-c", "--format", format, "x"])
                .current_dir(folder.path())
                .output()
                .unwrap();
            let want = [
                ("x/a.txt".to_owned(), 5, "một".to_owned()),
                (format!("x/{long}"), 3, "hai".to_owned()),
            ];
            assert_eq!(names(&packed.stdout), want, "{format}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_break_the_walk(mut bytes in prop::collection::vec(any::<u8>(), 0..3000), size in "[0-7]{11}") {
            if bytes.len() > 200 {
                bytes[124..135].copy_from_slice(size.as_bytes());
                bytes[156] = b"0Lx5"[bytes[0] as usize % 4];
            }
            walk(&mut &*bytes, 50, &mut |_| Ok(())).unwrap();
        }
    }
}
