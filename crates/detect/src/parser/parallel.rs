//! Reads many rule files on all cores. What comes back stands in the order of the files, so that a
//! set is the same whatever machine loads it.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::{RuleFile, read};
use crate::ast::{Document, Placeholders};
use crate::error::RuleError;
use crate::pipeline::Pipelines;

/// Files a thread takes at a time: rule files differ in size tenfold, so nobody gets a fixed share.
const FILES_AT_ONCE: usize = 32;

/// What one file held.
pub(crate) type Read = (Vec<Document>, Vec<RuleError>);

/// Reads all documents of all files.
pub(crate) fn read_all(
    files: &[RuleFile<'_>],
    placeholders: &Placeholders,
    pipelines: &Pipelines<'_>,
) -> Vec<Read> {
    let portions: Vec<&[RuleFile<'_>]> = files.chunks(FILES_AT_ONCE).collect();
    let read_portion = |portion: &[RuleFile<'_>]| -> Vec<Read> {
        portion.iter().map(|file| read(*file, placeholders, pipelines)).collect()
    };
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    if cores == 1 || portions.len() == 1 {
        return portions.into_iter().flat_map(read_portion).collect();
    }
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(portion) = portions.get(number) else { return done };
            done.push((number, read_portion(portion)));
        }
    };
    let mut done = thread::scope(|scope| {
        let others: Vec<_> = (1..cores.min(portions.len())).map(|_| scope.spawn(work)).collect();
        let mut done = work();
        for other in others {
            match other.join() {
                Ok(part) => done.extend(part),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    done.sort_unstable_by_key(|(number, _)| *number);
    done.into_iter().flat_map(|(_, read)| read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_stands_in_the_order_of_the_files() {
        let texts: Vec<String> = (0..500)
            .map(|number| match number % 7 {
                0 => format!("title: {number}\n"),
                _ => format!(
                    "title: '{number}'\nlogsource:\n  product: x\ndetection:\n  a:\n    f: {number}\n  condition: a\n"
                ),
            })
            .collect();
        let paths: Vec<String> = (0..500).map(|number| format!("{number}.yml")).collect();
        let files: Vec<RuleFile<'_>> =
            paths.iter().zip(&texts).map(|(path, text)| RuleFile { path, text }).collect();
        let placeholders = Placeholders::new();
        let pipelines = Pipelines::new(&[]);
        let together = read_all(&files, &placeholders, &pipelines);
        let alone: Vec<Read> =
            files.iter().map(|file| read(*file, &placeholders, &pipelines)).collect();
        assert_eq!(format!("{together:?}"), format!("{alone:?}"));
        assert_eq!(together.iter().filter(|(_, errors)| !errors.is_empty()).count(), 72);
    }
}
