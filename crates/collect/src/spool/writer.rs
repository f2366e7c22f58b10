//! The one thread that writes: it takes what waits, writes it as one piece, syncs once, and answers
//! everybody.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use event::SpoolPosition;
use tokio::sync::{mpsc, oneshot};

use super::AppendError;
use super::disk::{Disk, SegmentFile};
use super::record::Encoded;
use super::segment::{self, SEGMENT_HEAD};
use super::shared::{Segment, Shared, Ticket};

/// Bytes that are written and synced as one group, so that the first in it need not wait long.
const GROUP_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The answer to one append.
pub(super) type Reply = oneshot::Sender<Result<SpoolPosition, AppendError>>;

/// A batch that waits to be written.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) encoded: Encoded,
    pub(super) reply: Reply,
    pub(super) _ticket: Ticket,
}

#[derive(Debug)]
struct Writer {
    shared: Arc<Shared>,
    disk: Arc<dyn Disk>,
    current: Option<Current>,
    buffer: Vec<u8>,
    last: u64,
}

/// The segment being written.
#[derive(Debug)]
struct Current {
    first: u64,
    file: Box<dyn SegmentFile>,
    /// Committed bytes.
    length: u64,
    /// A write or sync failed: what lies past `length` must go before anything else is written.
    torn: bool,
}

/// Starts the writer's thread. It ends when every handle is gone or the spool is closed.
pub(super) fn start(
    shared: Arc<Shared>,
    disk: Arc<dyn Disk>,
    waiting: mpsc::Receiver<Request>,
) -> io::Result<()> {
    let last = *shared.committed.borrow();
    let writer = Writer { shared, disk, current: None, buffer: Vec::new(), last };
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    std::thread::Builder::new()
        .name("spool-writer".to_owned())
        .spawn(move || writer.run(waiting, &runtime))
        .map(drop)
}

impl Writer {
    fn run(mut self, mut waiting: mpsc::Receiver<Request>, runtime: &tokio::runtime::Runtime) {
        let closing = self.shared.closing.clone();
        loop {
            let first = runtime.block_on(async {
                tokio::select! {
                    biased;
                    request = waiting.recv() => request,
                    () = closing.cancelled() => {
                        waiting.close();
                        waiting.recv().await
                    }
                }
            });
            let Some(first) = first else { break };
            let mut group = vec![first];
            let mut bytes = 0_u64;
            while bytes < GROUP_BYTES_MAX as u64 {
                let Ok(next) = waiting.try_recv() else { break };
                bytes = bytes.saturating_add(next.encoded.disk_bytes());
                group.push(next);
            }
            self.commit(group);
        }
        if let Err(error) = self.mend() {
            tracing::error!(%error, "what was refused cannot be cut off: the next start takes it for accepted");
        }
        self.close_segment();
        self.shared.closed.cancel();
    }

    fn commit(&mut self, group: Vec<Request>) {
        match self.write(&group) {
            Ok(()) => {
                let mut position = self.last;
                self.last = position.saturating_add(group.len() as u64);
                // What a sender may ask next is true before it has its answer.
                if self.shared.failure.lock().take().is_some() {
                    tracing::info!("the spool can be written again");
                }
                self.shared.committed.send_replace(self.last);
                for request in group {
                    position = position.saturating_add(1);
                    // The sender may have gone away; its frames are in all the same.
                    drop(request.reply.send(Ok(SpoolPosition(position))));
                }
            }
            Err(error) => {
                let said = error.to_string();
                let before = self.shared.failure.lock().replace(said.clone());
                // Once, not for each of the senders that try again.
                if before.as_ref() != Some(&said) {
                    tracing::error!(%error, "the spool cannot write; senders are told to wait");
                }
                // At once: a crash before the next group would bring back what was refused, beside what its
                // sender sends again. Where the disk refuses that too, it is tried with the next group.
                if let Err(error) = self.mend() {
                    tracing::debug!(%error, "what was refused cannot be cut off yet");
                }
                let error = Arc::new(error);
                for request in group {
                    drop(request.reply.send(Err(AppendError::Failed(Arc::clone(&error)))));
                }
            }
        }
    }

    /// Writes and syncs the group. On failure nothing of it counts as written.
    fn write(&mut self, group: &[Request]) -> io::Result<()> {
        self.mend()?;
        self.buffer.clear();
        let mut position = self.last;
        for request in group {
            position = position.saturating_add(1);
            request.encoded.write(position, &mut self.buffer);
        }
        let first = self.last.saturating_add(1);
        let current = match &mut self.current {
            Some(current) => current,
            none => none.insert(new_segment(&self.shared, self.disk.as_ref(), first)?),
        };
        let written = current.file.write(&self.buffer).and_then(|()| current.file.sync());
        if let Err(error) = written {
            current.torn = true;
            return Err(error);
        }
        current.length = current.length.saturating_add(self.buffer.len() as u64);
        let segment = Segment { length: current.length, last: position, active: true };
        self.shared.segments.lock().insert(current.first, segment);
        if current.length >= self.shared.settings.segment_bytes {
            self.close_segment();
        }
        if self.buffer.capacity() > GROUP_BYTES_MAX {
            self.buffer = Vec::new();
        }
        Ok(())
    }

    /// After a failure: cuts off what may have been half-written, then leaves that file alone (after
    /// a failed sync no one knows what the system still holds of it).
    fn mend(&mut self) -> io::Result<()> {
        if let Some(current) = &mut self.current
            && current.torn
        {
            current.file.cut(current.length)?;
            self.close_segment();
        }
        Ok(())
    }

    fn close_segment(&mut self) {
        let Some(current) = self.current.take() else { return };
        if let Some(segment) = self.shared.segments.lock().get_mut(&current.first) {
            segment.active = false;
        }
    }
}

fn new_segment(shared: &Shared, disk: &dyn Disk, first: u64) -> io::Result<Current> {
    let path: PathBuf = segment::path(&shared.folder, first);
    let mut file = disk.create(&path)?;
    file.write(SEGMENT_HEAD)?;
    let length = SEGMENT_HEAD.len() as u64;
    let last = first.saturating_sub(1);
    shared.segments.lock().insert(first, Segment { length, last, active: true });
    Ok(Current { first, file, length, torn: false })
}
