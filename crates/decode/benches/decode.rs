//! Events per second and core, one number per family of formats, on the samples of `sources/`.
//!
//! `cargo bench -p decode`; criterion prints elements (events) per second.

use std::hint::black_box;

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use decode::{Decoder, SAMPLE_COLLECTED_AT, SourceContext, folders};
use event::{AgencyId, EventId, Frame, Origin, SourceId};
use uuid::Uuid;

fn decode(c: &mut Criterion) {
    let Ok(decoder) = Decoder::builtin() else { return };
    let nobody = Uuid::nil();
    let origin = Origin {
        agency: AgencyId::from_uuid(nobody),
        system: None,
        source: SourceId::from_uuid(nobody),
    };
    let mut group = c.benchmark_group("decode");
    for files in folders() {
        let frames: Vec<Frame> = files
            .sample
            .lines()
            .map(|line| Frame {
                id: EventId::from_uuid(nobody),
                source: origin.source,
                collected_at: SAMPLE_COLLECTED_AT,
                peer: None,
                bytes: Bytes::from_static(line.as_bytes()),
                dead: None,
            })
            .collect();
        let ctx = SourceContext { origin, parser: "auto", utc_offset_minutes: 420 };
        group.throughput(Throughput::Elements(u64::try_from(frames.len()).unwrap_or(u64::MAX)));
        group.bench_with_input(BenchmarkId::from_parameter(files.folder), &frames, |b, frames| {
            b.iter(|| {
                for frame in frames {
                    drop(black_box(decoder.decode(black_box(frame), &ctx)));
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, decode);
criterion_main!(benches);
