//! Puts parts together: the buffers of what kernels reach, how long each lives, kernels by name.

use super::memory::Draft;
use super::{Made, Scheduled, bytes};
use crate::kernel::{Buffer, Class, Node, Part, Region, RegionId, Schedule, SlotId};
use crate::plan::{ALIGNMENT, Lifetime};
use crate::schedule::touch::each_access;
use std::collections::BTreeMap;

/// Adds a part's runs to the schedule; arena buffers get lifetimes, others their places.
pub(super) fn append(
    out: &mut Schedule,
    lifetimes: &mut BTreeMap<usize, Lifetime>,
    name: &str,
    part: Scheduled,
) {
    let Scheduled {
        made,
        buffers: drafts,
        names,
    } = part;
    let arena = out.arena().unwrap_or(RegionId(u32::MAX));
    let mut ids: BTreeMap<usize, usize> = BTreeMap::new();
    let mut nodes = Vec::new();
    let before = out.runs().len();
    for Made {
        mut class,
        values,
        ops,
    } in made
    {
        let position = before + nodes.len();
        let (buffers, regions) = (&mut out.buffers, &out.regions);
        each_access(&mut class, &mut |access| {
            let number = access.slot.0 as usize;
            let draft = &drafts[number];
            let id = *ids
                .entry(number)
                .or_insert_with(|| buffer(buffers, regions, arena, draft));
            access.slot = SlotId(u32::try_from(id).unwrap_or(u32::MAX));
            if draft.place.is_none() {
                let life = lifetimes.entry(id).or_insert(Lifetime {
                    bytes: bytes(draft).next_multiple_of(ALIGNMENT),
                    first: position,
                    last: position,
                });
                life.last = position;
            }
        });
        let (kind, made_of) = (kind(&class), made_of(&ops));
        let name = |number: usize| format!("{kind}_{number}{made_of}");
        let values = values.iter().map(|id| names[*id].clone()).collect();
        nodes.push(Node::Run(out.bind(class, name, values)));
    }
    out.nodes.push(Node::Part(Part {
        name: name.to_string(),
        nodes,
    }));
}

/// The buffer of a draft: one per place and type, one per arena value.
fn buffer(buffers: &mut Vec<Buffer>, regions: &[Region], arena: RegionId, draft: &Draft) -> usize {
    let new = match draft.place {
        None => Buffer {
            name: draft.name.clone(),
            region: arena,
            offset: 0,
            dtype: draft.dtype,
            elements: draft.elements,
        },
        Some((region, offset)) => {
            let found = buffers.iter().position(|b| {
                (b.region, b.offset, b.dtype, b.elements)
                    == (region, offset, draft.dtype, draft.elements)
            });
            if let Some(found) = found {
                return found;
            }
            let place = &regions[region.0 as usize].name;
            let name = match draft.name.starts_with('%') {
                true => place.clone(),
                false => draft.name.clone(),
            };
            Buffer {
                name,
                region,
                offset,
                dtype: draft.dtype,
                elements: draft.elements,
            }
        }
    };
    buffers.push(new);
    buffers.len() - 1
}

/// The first word of a kernel's name.
fn kind(class: &Class) -> &'static str {
    match class {
        Class::Nest(nest) if nest.inner.is_empty() => "map",
        Class::Nest(_) => "nest",
        Class::Contract(_) => "contract",
        Class::Scatter(_) => "scatter",
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
