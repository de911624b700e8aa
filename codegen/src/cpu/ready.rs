//! Kernels as they are emitted: contractions turned and planned, with what is settled before there is code.

use super::blocking::BlockedProduct;
use super::phases::Phases;
use super::share::SplitLoop;
use super::tiling::{Split, Tiling};
#[cfg(target_arch = "x86_64")]
use super::wide;
use super::{Options, Vectors, contract, nest, scan, scatter, sort};
use crate::kernel::{Class, Kernel, Schedule};

/// A kernel as it is emitted: contractions turned and planned.
pub(super) struct Ready {
    pub(super) kernel: Kernel,
    /// Stays where it is: code has its address.
    pub blocked: Option<Box<BlockedProduct>>,
    /// The loop that calls split, and the extent of the schedule's axis that it stands for.
    pub(super) split: SplitLoop,
    pub parallel: usize,
    /// Whether any call runs a share of it.
    pub shared: bool,
}

impl Ready {
    /// All kernels, and how threads share the schedule's runs of them.
    pub(super) fn shared(schedule: &Schedule, options: &Options) -> (Vec<Ready>, Option<Phases>) {
        let mut all = Ready::all(schedule, options);
        let phases = Phases::of(schedule, &all, options);
        if let Some(phases) = &phases {
            for (number, run) in schedule.runs().iter().enumerate() {
                if phases.cuts(number)
                    && let Some(ready) = all.get_mut(run.kernel.0 as usize)
                {
                    ready.shared = true;
                }
            }
        }
        (all, phases)
    }

    /// Whether calls split its columns: else the first dim of its space.
    pub(super) fn by_columns(&self, options: &Options) -> bool {
        match (&self.kernel.class, &self.blocked) {
            (_, Some(blocked)) => blocked.by_columns,
            (Class::Contract(c), None) => {
                Tiling::of(&self.kernel.slots, c, options).split == Split::Columns
            }
            (Class::Nest(_) | Class::Scatter(_) | Class::Scan(_) | Class::Sort(_), None) => false,
        }
    }

    fn all(schedule: &Schedule, options: &Options) -> Vec<Ready> {
        let plain = |kernel: &Kernel, split: SplitLoop| Ready {
            kernel: kernel.clone(),
            blocked: None,
            split,
            parallel: kernel.parallel(),
            shared: false,
        };
        let ready = |kernel: &Kernel| match &kernel.class {
            Class::Nest(n) => plain(kernel, nest::split_loop(&kernel.slots, n, options)),
            Class::Scatter(s) => plain(kernel, scatter::split_loop(&kernel.slots, s, options)),
            Class::Scan(s) => plain(kernel, scan::split_loop(&kernel.slots, s, options)),
            Class::Sort(s) => plain(kernel, SplitLoop::over(&s.outer)),
            Class::Contract(c) => {
                let c = contract::oriented(&kernel.slots, c, options);
                let blocked = contract::choose_blocking(&kernel.slots, &c, options).map(Box::new);
                Ready {
                    split: contract::split_loop(&kernel.slots, &c, blocked.as_deref(), options),
                    blocked,
                    parallel: kernel.parallel(),
                    shared: false,
                    kernel: Kernel {
                        name: kernel.name.clone(),
                        slots: kernel.slots.clone(),
                        class: Class::Contract(c),
                    },
                }
            }
        };
        let mut all: Vec<Ready> = schedule.kernels.iter().map(ready).collect();
        for run in schedule.runs().iter().filter(|run| !run.cuts.is_empty()) {
            if let Some(ready) = all.get_mut(run.kernel.0 as usize) {
                ready.shared = true;
            }
        }
        all
    }

    /// The wide back end's vectors, if it writes the kernel: all but those whose loops are calls of
    /// functions.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn width(&self, options: &Options) -> Option<wide::Width> {
        match &self.kernel.class {
            Class::Sort(_) => None,
            Class::Contract(_) if self.only_calls() => None,
            Class::Nest(_) | Class::Contract(_) | Class::Scatter(_) | Class::Scan(_) => {
                wide::Width::of(options.used_vectors())
            }
        }
    }

    /// The vectors of the kernel's code and who wrote it, for people.
    pub(super) fn emitter(&self, options: &Options) -> String {
        #[cfg(target_arch = "x86_64")]
        let wide = self.width(options).map(|width| 8 * width.bytes());
        #[cfg(not(target_arch = "x86_64"))]
        let wide: Option<usize> = None;
        let by = match (wide, options.used_vectors()) {
            (Some(bits), _) => format!("vectors of {bits} bits, by the wide back end"),
            (None, Vectors::None) => "no vectors, by Cranelift".into(),
            (None, Vectors::Bits128 | Vectors::Bits256 | Vectors::Bits512) => {
                "vectors of 128 bits, by Cranelift".into()
            }
        };
        match &self.blocked {
            Some(blocked) => format!("{by}, with tiles of {:?}", blocked.instructions),
            None => by,
        }
    }

    /// Whether all that the kernel's function does is a call of the tiles.
    pub(super) fn only_calls(&self) -> bool {
        match (&self.kernel.class, &self.blocked) {
            (Class::Contract(c), Some(b)) => c.batch.is_empty() && !b.calls_back(),
            (Class::Contract(_), None)
            | (Class::Nest(_) | Class::Scatter(_) | Class::Scan(_) | Class::Sort(_), _) => false,
        }
    }

    /// Bytes that the kernel needs beside its slots.
    pub(super) fn scratch_bytes(&self, options: &Options) -> usize {
        match (&self.kernel.class, &self.blocked) {
            (Class::Nest(n), _) => nest::scratch_bytes(&self.kernel.slots, n, options),
            (Class::Contract(_), Some(blocked)) => blocked.scratch_bytes(),
            (Class::Sort(s), _) => sort::scratch_bytes(s),
            (Class::Contract(c), None) => {
                let parts = Tiling::of(&self.kernel.slots, c, options).scratch(c);
                parts.into_iter().fold(0, usize::saturating_add)
            }
            (Class::Scatter(_) | Class::Scan(_), _) => 0,
        }
    }
}
