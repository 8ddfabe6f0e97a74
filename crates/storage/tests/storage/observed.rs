//! A backend that notes what it is asked, and can be made to wait.

use std::sync::Arc;

use parking_lot::{Condvar, Mutex};
use storage::backend::{Durability, LogBackend, Op, Table, Visit};
use storage::error::BackendError;

/// Notes every write asked for, and holds back writes or scans while their gate is shut.
pub(crate) struct Observed<B> {
    inner: B,
    writes: Mutex<Vec<(Durability, Vec<Op>)>>,
    write_gate: Arc<Gate>,
    scan_gate: Arc<Gate>,
}

/// Something that can be shut; whoever comes to it then waits.
#[derive(Default)]
pub(crate) struct Gate {
    state: Mutex<GateState>,
    changed: Condvar,
}

#[derive(Default)]
struct GateState {
    is_shut: bool,
    waiting: usize,
}

/// Opens a gate when dropped, also when a test fails: else the writer would never end.
pub(crate) struct Shut(Arc<Gate>);

impl Gate {
    fn pass(&self) {
        let mut state = self.state.lock();
        state.waiting += 1;
        self.changed.notify_all();
        while state.is_shut {
            self.changed.wait(&mut state);
        }
        state.waiting -= 1;
    }

    fn shut(self: &Arc<Self>) -> Shut {
        self.state.lock().is_shut = true;
        Shut(Arc::clone(self))
    }
}

impl Shut {
    /// Waits until somebody waits at the gate. Blocking.
    pub(crate) fn wait_for_someone(&self) {
        let mut state = self.0.state.lock();
        while state.waiting == 0 {
            self.0.changed.wait(&mut state);
        }
    }
}

impl Drop for Shut {
    fn drop(&mut self) {
        self.0.state.lock().is_shut = false;
        self.0.changed.notify_all();
    }
}

impl<B: LogBackend> Observed<B> {
    pub(crate) fn new(inner: B) -> Arc<Self> {
        let (write_gate, scan_gate) = (Arc::default(), Arc::default());
        Arc::new(Observed {
            inner,
            writes: Mutex::default(),
            write_gate,
            scan_gate,
        })
    }

    pub(crate) fn shut_writes(&self) -> Shut {
        self.write_gate.shut()
    }

    pub(crate) fn shut_scans(&self) -> Shut {
        self.scan_gate.shut()
    }

    /// What was written since the last call.
    pub(crate) fn take_writes(&self) -> Vec<(Durability, Vec<Op>)> {
        std::mem::take(&mut *self.writes.lock())
    }
}

impl<B: LogBackend> LogBackend for Observed<B> {
    fn write(&self, batch: &[Op], durability: Durability) -> Result<(), BackendError> {
        self.write_gate.pass();
        self.writes.lock().push((durability, batch.to_vec()));
        self.inner.write(batch, durability)
    }

    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, BackendError> {
        self.inner.get(table, key)
    }

    fn scan(
        &self,
        table: Table,
        from: &[u8],
        to: Option<&[u8]>,
        visit: &mut Visit<'_>,
    ) -> Result<(), BackendError> {
        self.scan_gate.pass();
        self.inner.scan(table, from, to, visit)
    }

    fn close(&self) -> Result<(), BackendError> {
        self.inner.close()
    }

    fn place(&self) -> String {
        self.inner.place()
    }

    fn blocks(&self) -> bool {
        true
    }
}
