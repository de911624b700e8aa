//! Puts parts together: the buffers of what kernels reach, how long each lives, kernels by name.
//!
//! A loop that carries nothing has turns that stand apart: they read what was there before, and each writes its own
//! range of every stack. What lives in one turn of it lies in memory of a turn.

use super::bind::Base;
use super::program::{Cut, Item, Shared};
use super::storage::{OpenBuffer, Site};
use super::{Made, Scheduled, bytes};
use crate::kernel::{Buffer, BufferId, Loop, Node, Part, Region, RegionId, RegionKind, Schedule};
use crate::plan::{ALIGNMENT, Lifetime};
use std::collections::BTreeMap;

/// Adds a part's runs to the schedule; arena buffers get lifetimes, others their places. Loops have turns that stand
/// apart where they may.
pub(super) fn append_part(
    out: &mut Schedule,
    lifetimes: &mut BTreeMap<usize, Lifetime>,
    (name, cut): (&str, &Cut),
    turns_apart: bool,
) {
    let mut assembly = Assembly {
        position: out.runs().len(),
        out,
        lifetimes,
        shared: &cut.shared,
        shared_ids: BTreeMap::new(),
        born: BTreeMap::new(),
        turns_apart,
        turn: None,
    };
    let nodes = assembly.items(&cut.items, 0);
    out.nodes.push(Node::Part(Part {
        name: name.to_string(),
        nodes,
    }));
}

/// A part that is being added.
struct Assembly<'a> {
    out: &'a mut Schedule,
    lifetimes: &'a mut BTreeMap<usize, Lifetime>,
    shared: &'a [Shared],
    /// The buffer of each shared value.
    shared_ids: BTreeMap<usize, usize>,
    /// Around how many loops deep each buffer of the arena means the same in every turn.
    born: BTreeMap<usize, usize>,
    /// How many runs are there.
    position: usize,
    /// Whether loops may have turns that stand apart.
    turns_apart: bool,
    /// Around how many loops deep values live in one turn of loops that stand apart, if any are around.
    turn: Option<usize>,
}

impl Assembly<'_> {
    fn items(&mut self, items: &[Item], depth: usize) -> Vec<Node> {
        let mut nodes = Vec::new();
        for item in items {
            match item {
                Item::Kernels(scheduled) => self.kernels(scheduled, depth, &mut nodes),
                Item::Loop { trip, apart, items } => {
                    let first = self.position;
                    let apart = *apart && *trip > 1 && self.turns_apart;
                    let outermost = apart && self.turn.is_none();
                    if outermost {
                        self.turn = Some(depth + 1);
                    }
                    let mut body = self.items(items, depth + 1);
                    if outermost {
                        self.turn = None;
                        keep_nest(&mut body);
                    }
                    if body.is_empty() {
                        continue;
                    }
                    // What is there before a turn or after it is there in all of them.
                    for (id, life) in self.lifetimes.iter_mut() {
                        if life.last >= first && self.born.get(id).is_some_and(|d| *d <= depth) {
                            life.first = life.first.min(first);
                            life.last = self.position - 1;
                        }
                    }
                    nodes.push(Node::Loop(Loop {
                        trip: *trip,
                        apart,
                        body,
                    }));
                }
            }
        }
        nodes
    }

    fn kernels(&mut self, scheduled: &Scheduled, depth: usize, nodes: &mut Vec<Node>) {
        let Scheduled {
            made,
            buffers: drafts,
            names,
            decisions: _,
        } = scheduled;
        let nowhere = Base {
            buffer: BufferId(u32::MAX),
            start: 0,
            steps: Vec::new(),
        };
        let mut bases = vec![nowhere; drafts.len()];
        let mut own: BTreeMap<usize, usize> = BTreeMap::new();
        for Made {
            class, values, ops, ..
        } in made
        {
            for touch in class.touches() {
                let number = touch.access.slot.0 as usize;
                let draft = &drafts[number];
                let id = match draft.site {
                    Some(Site::Given(region, offset)) => self.given(draft, region, offset),
                    Some(Site::Shared(value)) => self.shared(value),
                    None => *own.entry(number).or_insert_with(|| {
                        self.planned(depth, |region| Buffer {
                            name: draft.name.clone(),
                            region,
                            offset: 0,
                            dtype: draft.dtype,
                            elements: draft.elements,
                        })
                    }),
                };
                if self.born.contains_key(&id) {
                    let life = self.lifetimes.entry(id).or_insert(Lifetime {
                        bytes: bytes(draft).next_multiple_of(ALIGNMENT),
                        first: self.position,
                        last: self.position,
                    });
                    life.last = self.position;
                }
                let mut steps = draft.steps.clone();
                steps.resize(depth, 0);
                bases[number] = Base {
                    buffer: BufferId(u32::try_from(id).unwrap_or(u32::MAX)),
                    start: draft.start,
                    steps,
                };
            }
            let (kind, made_of) = (class.word(), made_of(ops));
            let name = |number: usize| format!("{kind}_{number}{made_of}");
            let values = values.iter().map(|id| names[*id].clone()).collect();
            let run = self.out.bind_at(class.clone(), &bases, name, values);
            nodes.push(Node::Run(run));
            self.position += 1;
        }
    }

    /// The buffer of a shared value.
    fn shared(&mut self, number: usize) -> usize {
        if let Some(id) = self.shared_ids.get(&number) {
            return *id;
        }
        let value = &self.shared[number];
        let id = self.planned(value.depth, |region| Buffer {
            name: value.name.clone(),
            region,
            offset: 0,
            dtype: value.dtype,
            elements: value.elements,
        });
        self.shared_ids.insert(number, id);
        id
    }

    /// A buffer whose place a plan settles, and which means the same around `depth` loops deep: in the arena, or in
    /// memory of a turn where it lives in one turn of loops that stand apart.
    fn planned(&mut self, depth: usize, buffer: impl FnOnce(RegionId) -> Buffer) -> usize {
        let region = match self.turn.is_some_and(|turn| depth >= turn) {
            true => Some(self.turn_region()),
            false => self.out.arena(),
        };
        let region = region.unwrap_or(RegionId(u32::MAX));
        self.out.buffers.push(buffer(region));
        let id = self.out.buffers.len() - 1;
        self.born.insert(id, depth);
        id
    }

    /// The region of memory of a turn, which comes behind all others.
    fn turn_region(&mut self) -> RegionId {
        let regions = &mut self.out.regions;
        let found = regions.iter().position(|r| r.kind == RegionKind::Turn);
        let at = found.unwrap_or_else(|| {
            regions.push(Region {
                name: "turn".into(),
                bytes: 0,
                kind: RegionKind::Turn,
            });
            regions.len() - 1
        });
        RegionId(u32::try_from(at).unwrap_or(u32::MAX))
    }

    /// The buffer of a given place: one for each place, type and size.
    fn given(&mut self, draft: &OpenBuffer, region: RegionId, offset: usize) -> usize {
        let found = self.out.buffers.iter().position(|b| {
            (b.region, b.offset, b.dtype, b.elements)
                == (region, offset, draft.dtype, draft.elements)
        });
        if let Some(found) = found {
            return found;
        }
        let place = &self.out.regions[region.0 as usize].name;
        let name = match draft.name.starts_with('%') {
            true => place.clone(),
            false => draft.name.clone(),
        };
        self.out.buffers.push(Buffer {
            name,
            region,
            offset,
            dtype: draft.dtype,
            elements: draft.elements,
        });
        self.out.buffers.len() - 1
    }
}

/// Leaves the loops in the body of one whose turns stand apart as such where they are its nest's.
fn keep_nest(body: &mut [Node]) {
    match body {
        [Node::Loop(l)] if l.apart => keep_nest(&mut l.body),
        body => body.iter_mut().for_each(|node| match node {
            Node::Run(_) => {}
            Node::Loop(l) => {
                l.apart = false;
                keep_nest(&mut l.body);
            }
            Node::Part(part) => keep_nest(&mut part.nodes),
        }),
    }
}

/// The first few distinct ops, as the last words of a kernel's name.
fn made_of(ops: &[&'static str]) -> String {
    let mut said: Vec<&str> = Vec::new();
    for op in ops {
        if said.len() < 4 && !said.contains(op) {
            said.push(op);
        }
    }
    said.iter().map(|op| format!("_{op}")).collect()
}
