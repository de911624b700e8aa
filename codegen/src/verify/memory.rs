//! The rule of all runs together: 9 of [`super`]. What is read was written, and is still there. Turns that stand
//! apart are followed in order too: none reads what another one writes (10), but for memory of a turn, which holds
//! nothing when one begins.
//!
//! Runs are followed in the order in which they run, and of each buffer is known what it holds: a few
//! sets of elements ([`Band`]), since most kernels write whole buffers, ranges or columns. Where bands
//! cannot say it, elements are told one by one, which takes as long as running the kernel slowly. Of a loop
//! that turns often, a few turns are followed where these tell what all do ([`super::turns`]).

use super::band::{Band, add};
use super::kernel::window;
use super::turns::{Decision, Passed, Place, Trace};
use super::{VerifyError, fail};
use crate::kernel::{
    Access, Binding, Buffer, BufferId, Kernel, Node, RegionKind, Run, Schedule, Touch,
};
use std::rc::Rc;

/// Checks that every run reads what is there.
pub(super) fn memory(schedule: &Schedule) -> Result<(), VerifyError> {
    State::new(schedule).nodes(&schedule.nodes, &mut Vec::new())
}

fn broken(kernel: &Kernel, what: String) -> VerifyError {
    fail(&kernel.name, what)
}

/// What a buffer holds.
#[derive(Clone, Debug, Default)]
pub(super) struct Held {
    /// Bands that have no element in common.
    pub bands: Vec<Band>,
    /// Element by element, once bands could not say it.
    pub elements: Option<Vec<bool>>,
}

impl Held {
    pub fn is_empty(&self) -> bool {
        self.bands.is_empty() && self.elements.is_none()
    }

    /// What is held, element by element, from now on.
    fn elements(&mut self, count: usize) -> &mut Vec<bool> {
        let bands = std::mem::take(&mut self.bands);
        self.elements.get_or_insert_with(|| {
            let mut all = vec![false; count];
            for band in bands {
                band.each(&mut |e| {
                    if let Some(place) = usize::try_from(e).ok().and_then(|e| all.get_mut(e)) {
                        *place = true;
                    }
                });
            }
            all
        })
    }
}

/// What all buffers hold.
pub(super) struct State<'a> {
    pub schedule: &'a Schedule,
    /// What each kernel touches.
    touches: Rc<[Vec<Touch>]>,
    pub held: Vec<Held>,
    /// The buffer whose store ended what another held.
    lost: Vec<Option<usize>>,
    /// How what is read and written was found to be there, while that is told.
    pub trace: Option<Trace>,
}

impl<'a> State<'a> {
    fn new(schedule: &'a Schedule) -> State<'a> {
        let n = schedule.buffers.len();
        let kernels = schedule.kernels.iter();
        State {
            schedule,
            touches: kernels.map(|k| k.class.touches()).collect(),
            held: vec![Held::default(); n],
            lost: vec![None; n],
            trace: None,
        }
    }

    /// Follows nodes, in a turn of each loop around them.
    pub fn nodes(&mut self, nodes: &[Node], turns: &mut Vec<usize>) -> Result<(), VerifyError> {
        for node in nodes {
            match node {
                Node::Run(run) => self.run(run, turns)?,
                Node::Part(part) => self.nodes(&part.nodes, turns)?,
                Node::Loop(l) => self.turns(l, turns)?,
            }
        }
        Ok(())
    }

    fn run(&mut self, run: &Run, turns: &[usize]) -> Result<(), VerifyError> {
        let Some(kernel) = self.schedule.kernel(run) else {
            return Ok(());
        };
        let touches = Rc::clone(&self.touches);
        let all = &touches[run.kernel.0 as usize];
        let at = |touch: &Touch| -> Option<(BufferId, Access)> {
            let binding: &Binding = run.bindings.get(touch.access.slot.0 as usize)?;
            let mut access = touch.access.clone();
            access.offset += binding.at(turns);
            Some((binding.buffer, access))
        };
        for touch in all.iter().filter(|t| t.loads) {
            if let Some((buffer, access)) = at(touch) {
                self.load(buffer, touch, &access)
                    .map_err(|e| broken(kernel, e))?;
            }
        }
        for touch in all.iter().filter(|t| t.stores) {
            if let Some((buffer, access)) = at(touch) {
                self.store(buffer, touch, &access);
            }
        }
        Ok(())
    }

    /// A buffer that means nothing before it is written.
    fn unfilled(&self, id: BufferId) -> Option<(usize, &'a Buffer)> {
        let at = id.0 as usize;
        let buffer = self.schedule.buffers.get(at)?;
        let region = self.schedule.regions.get(buffer.region.0 as usize)?;
        (!region.kind.is_filled()).then_some((at, buffer))
    }

    fn load(&mut self, id: BufferId, touch: &Touch, access: &Access) -> Result<(), String> {
        let Some((at, buffer)) = self.unfilled(id) else {
            return Ok(());
        };
        let Some((low, high)) = touch.range() else {
            return Ok(());
        };
        let moved = access.offset - touch.access.offset;
        let (low, high) = (low + moved, high + moved);
        let all = Band::range(low, high - low + 1);
        let mut bands = self.held[at].bands.iter().enumerate();
        let found = bands.find_map(|(i, band)| Some((i, place(band, &all, touch, access)?)));
        if let Some((band, place)) = found {
            self.decide(Decision::Read {
                buffer: at,
                band,
                place,
            });
            return Ok(());
        }
        self.decide(Decision::ByElements);
        let held = self.held[at].elements(buffer.elements);
        let mut missing = None;
        each_element(&touch.space, access, &mut |e| {
            let there = usize::try_from(e).ok().and_then(|e| held.get(e));
            if there != Some(&true) && missing.is_none() {
                missing = Some(e);
            }
        });
        let Some(element) = missing else {
            return Ok(());
        };
        let name = |i: usize| &self.schedule.buffers[i].name;
        Err(match self.lost[at] {
            Some(other) => format!(
                "reads element {element} of `{}`, over which `{}` was written",
                buffer.name,
                name(other)
            ),
            None => format!(
                "reads element {element} of `{}`, which nothing wrote",
                buffer.name
            ),
        })
    }

    fn store(&mut self, id: BufferId, touch: &Touch, access: &Access) {
        let Some((at, buffer)) = self.unfilled(id) else {
            return;
        };
        let Some((low, high)) = touch.range() else {
            return;
        };
        let moved = access.offset - touch.access.offset;
        let range = [low + moved, high + moved];
        let over = self.clobber(at, range);
        let passed = Passed { range, over };
        if touch.loads {
            // A scatter adds to what is there.
            self.decide(Decision::Added { buffer: at, passed });
            return;
        }
        let held = &mut self.held[at];
        if held.elements.is_none()
            && let Some(band) = Band::covered_by(touch, access)
            && let Some(met) = add(&mut held.bands, band)
        {
            let decision = Decision::stored(at, met, &held.bands, passed);
            self.decide(decision);
            return;
        }
        self.decide(Decision::ByElements);
        let held = self.held[at].elements(buffer.elements);
        each_element(&touch.space, access, &mut |e| {
            let place = usize::try_from(e).ok().and_then(|e| held.get_mut(e));
            if let Some(place) = place {
                *place = true;
            }
        });
        if held.iter().all(|there| *there) {
            self.held[at] = Held {
                bands: vec![Band::range(0, buffer.elements as i64)],
                elements: None,
            };
        }
    }

    /// Ends what memory of a turn holds.
    pub fn end_turn(&mut self) {
        for (buffer, held) in self.schedule.buffers.iter().zip(&mut self.held) {
            let region = self.schedule.regions.get(buffer.region.0 as usize);
            if region.is_some_and(|r| r.kind == RegionKind::Turn) {
                *held = Held::default();
            }
        }
    }

    fn decide(&mut self, decision: Decision) {
        if let Some(trace) = &mut self.trace {
            trace.push(decision);
        }
    }

    /// The buffers that share bytes with elements of another.
    pub fn sharing(&self, at: usize, low: i64, high: i64) -> Vec<usize> {
        let Some(buffer) = self.schedule.buffers.get(at) else {
            return Vec::new();
        };
        let bytes = |b: &Buffer, low: i64, end: i64| {
            let size = b.dtype.size().unwrap_or(8) as i64;
            (b.offset as i64 + low * size, b.offset as i64 + end * size)
        };
        let (start, end) = bytes(buffer, low, high + 1);
        let others = self.schedule.buffers.iter().enumerate();
        let others = others.filter(|(i, other)| {
            let (first, last) = bytes(other, 0, other.elements as i64);
            *i != at && other.region == buffer.region && start < last && first < end
        });
        others.map(|(i, _)| i).collect()
    }

    /// Ends what other buffers hold that share bytes with a store; gives these.
    fn clobber(&mut self, at: usize, [low, high]: [i64; 2]) -> Vec<usize> {
        let sharing = self.sharing(at, low, high);
        for other in &sharing {
            let held = std::mem::take(&mut self.held[*other]);
            if !held.is_empty() {
                self.lost[*other] = Some(at);
            }
        }
        sharing
    }
}

/// Where a band has all that an access reaches, which is in the range `all`; none where it does not.
fn place(band: &Band, all: &Band, touch: &Touch, access: &Access) -> Option<Place> {
    if band.holds(all) {
        return Some(match band.rows {
            1 => Place::Range,
            _ => Place::Row(band.place(all.first).0),
        });
    }
    if band.rows == 1 {
        return None;
    }
    // Its columns lie among the band's.
    let mut from = access.clone();
    from.offset -= band.first;
    let (low, high) = crate::bounds::range(&touch.space, &from).flatten()?;
    let (row, [_, last]) = window(&touch.space, &from, band.period)?;
    let holds = low >= 0 && high.div_euclid(band.period) < band.rows && last < band.width;
    holds.then_some(Place::Columns(row))
}

/// Calls `f` with every element that an access reaches.
pub(super) fn each_element(space: &[usize], access: &Access, f: &mut dyn FnMut(i64)) {
    // Dims that nothing depends on are run over once.
    let counts = |d: usize| {
        access.strides.get(d) != Some(&0) || access.guards.iter().any(|g| g.strides[d] != 0)
    };
    let dims: Vec<usize> = (0..space.len()).filter(|d| counts(*d)).collect();
    if space.contains(&0) {
        return;
    }
    let mut index = vec![0i64; space.len()];
    loop {
        let affine = |offset: i64, strides: &[i64]| {
            let terms = strides.iter().zip(&index);
            offset + terms.map(|(s, i)| s * i).sum::<i64>()
        };
        let mut guards = access.guards.iter();
        if guards.all(|g| (0..g.extent).contains(&affine(g.offset, &g.strides))) {
            f(affine(access.offset, &access.strides));
        }
        let mut next = dims.iter().rev();
        loop {
            let Some(&d) = next.next() else {
                return;
            };
            index[d] += 1;
            if (index[d] as usize) < space[d] {
                break;
            }
            index[d] = 0;
        }
    }
}
