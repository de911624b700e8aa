//! Places that a run asks for: what is captured there is one more result, what is patched one more
//! parameter. Those that no run asks for are nothing.
//!
//! A place has the name that its function gives it. Where a program has several of one name, their numbers
//! stand behind it, in the order of the program: `attn.0`, `attn.1`. In loops there is a slice of each
//! iteration, along axes in front, those of the outer loop first.

use super::LinkError;
use crate::attributes::Named;
use crate::block::{Block, Inst, Loop, OpInst, Sliced};
use crate::builder::Builder;
use crate::function::{Function, Param, ParamKind, Value};
use crate::op::Probe;
use crate::shape::Type;
use std::collections::{HashMap, HashSet};

/// What a run asks of the places that functions name.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Probes {
    /// The names of what it looks at.
    pub captured: Vec<String>,
    /// The names of what it replaces.
    pub patched: Vec<String>,
}

impl Probes {
    /// Whether it asks for nothing.
    pub fn is_empty(&self) -> bool {
        self.captured.is_empty() && self.patched.is_empty()
    }
}

/// A program with what a run asks for.
#[derive(Clone, PartialEq, Debug)]
pub struct Probed {
    /// The program: what is captured stands behind what the unit returns, what is patched behind the inputs.
    pub program: Function,
    /// The names of what is captured, in the order of the results.
    pub captured: Vec<String>,
    /// The names of what is patched, in the order of the parameters.
    pub patched: Vec<String>,
}

/// The part of a program that computes what its unit returns: its pullback comes behind it.
#[derive(Clone, Copy)]
pub(super) struct Forward {
    /// How many of the program's results the unit returns.
    pub returned: usize,
    /// How many of its values there were before its pullback.
    pub values: usize,
}

/// Puts in place what becomes of all probes of a program.
pub(super) fn apply(
    path: &str,
    program: &mut Function,
    forward: Forward,
    asked: &Probes,
) -> Result<(Vec<String>, Vec<String>), LinkError> {
    let mut found = Vec::new();
    sites(&program.body, &program.values, &mut Vec::new(), &mut found);
    // What the reverse computes again is no other place: a step has those that a run has.
    found.retain(|s| s.probe != Probe::Capture || s.result.index() < forward.values);
    for probe in [Probe::Capture, Probe::Patch] {
        number(&mut found, probe);
    }
    if found.is_empty() && asked.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    let captured = chosen(path, &found, Probe::Capture, &asked.captured)?;
    let patched = chosen(path, &found, Probe::Patch, &asked.patched)?;
    let patches = || found.iter().filter(|s| s.probe == Probe::Patch);
    let replaced = patches().filter(|s| patched.contains(&s.label));
    let replaced: HashSet<String> = replaced.map(|s| s.written.clone()).collect();
    for site in found.iter().filter(|s| s.probe == Probe::PatchCotangent) {
        let places = patches().filter(|s| s.written == site.written);
        if replaced.contains(&site.written) && places.count() > 1 {
            return Err(LinkError::PatchUnderDerivative {
                path: path.to_string(),
                name: site.written.clone(),
            });
        }
    }
    let mut placer = Placer {
        labels: found.iter().map(|s| (s.result, s.label.clone())).collect(),
        captured,
        replaced,
        renamed: HashMap::new(),
        builder: Builder::default(),
    };
    placer.builder.values = std::mem::take(&mut program.values);
    let mut given = HashMap::new();
    let mut names = Vec::new();
    let key = program.params.last().map(|p| p.kind) == Some(ParamKind::Key);
    let at = program.params.len() - usize::from(key);
    for site in patches() {
        if !patched.contains(&site.label) {
            continue;
        }
        let param = placer.builder.value(site.ty.clone());
        program.body.params.insert(at + names.len(), param);
        let name = format!("patch.{}", site.label);
        let name = crate::function::fresh_name(&program.params, name);
        let kind = ParamKind::Input;
        program
            .params
            .insert(at + names.len(), Param { name, kind });
        given.insert(site.label.clone(), param);
        names.push(site.label.clone());
    }
    let looked_at = placer.block(&mut program.body, &given)?;
    let (labels, values): (Vec<String>, Vec<Value>) = looked_at.into_iter().unzip();
    let at = forward.returned;
    program.body.results.splice(at..at, values);
    program.values = placer.builder.values;
    let renamed = placer.renamed;
    program.body.each_value_mut(&mut |v| {
        while let Some(to) = renamed.get(v) {
            *v = *to;
        }
    });
    program.compact();
    Ok((labels, names))
}

/// A probe in a program.
struct Site {
    probe: Probe,
    /// The name in its function.
    written: String,
    /// The name in the program.
    label: String,
    /// Its value in an iteration.
    result: Value,
    /// The type of its values in all iterations of the loops around.
    ty: Type,
}

/// The probes of a block, in the order of the program. `around` are the loops around it.
fn sites<'b>(block: &'b Block, values: &[Type], around: &mut Vec<&'b Loop>, found: &mut Vec<Site>) {
    for inst in &block.insts {
        match inst {
            Inst::Op(i) => {
                let Some(probe) = i.op.kind.probe() else {
                    continue;
                };
                let stacked = |ty: Option<Type>, l: &&Loop| ty?.stack(0, l.trip.clone());
                let ty = Some(values[i.result.index()].clone());
                let (Ok(form), Some(ty)) = (
                    Named::from_attributes(&i.attributes),
                    around.iter().rev().fold(ty, stacked),
                ) else {
                    continue;
                };
                found.push(Site {
                    probe,
                    written: form.name.to_string(),
                    label: form.name.to_string(),
                    result: i.result,
                    ty,
                });
            }
            Inst::Loop(l) => {
                around.push(l);
                sites(&l.body, values, around, found);
                around.pop();
            }
            Inst::Call(_) | Inst::PullbackCall(_) => {}
        }
    }
}

/// Numbers those of one name, if there are several.
fn number(found: &mut [Site], probe: Probe) {
    let mut counts: HashMap<String, usize> = HashMap::new();
    for site in found.iter().filter(|s| s.probe == probe) {
        *counts.entry(site.written.clone()).or_default() += 1;
    }
    let mut next: HashMap<String, usize> = HashMap::new();
    for site in found.iter_mut().filter(|s| s.probe == probe) {
        if counts[&site.written] > 1 {
            let number = next.entry(site.written.clone()).or_default();
            site.label = format!("{}.{number}", site.written);
            *number += 1;
        }
    }
}

/// The labels that are asked for, all of which are there.
fn chosen(
    path: &str,
    found: &[Site],
    probe: Probe,
    asked: &[String],
) -> Result<Vec<String>, LinkError> {
    let of_kind = || found.iter().filter(|s| s.probe == probe);
    for name in asked {
        if !of_kind().any(|s| s.label == *name) {
            return Err(LinkError::NoProbe {
                path: path.to_string(),
                what: match probe {
                    Probe::Capture => "captures",
                    Probe::Patch | Probe::PatchCotangent => "can replace",
                },
                name: name.clone(),
                known: of_kind().map(|s| s.label.clone()).collect(),
            });
        }
    }
    Ok(asked.to_vec())
}

/// Replaces probes.
struct Placer {
    /// The label of each probe, by its result.
    labels: HashMap<Value, String>,
    captured: Vec<String>,
    /// What functions call the values that are replaced.
    replaced: HashSet<String>,
    /// What stands for the results of probes.
    renamed: HashMap<Value, Value>,
    builder: Builder,
}

impl Placer {
    /// Replaces those of a block. `given` are the values that replace others, as they are in this block.
    /// Gives what is captured in it.
    fn block(
        &mut self,
        block: &mut Block,
        given: &HashMap<String, Value>,
    ) -> Result<Vec<(String, Value)>, LinkError> {
        let mut captured = Vec::new();
        let mut insts = Vec::with_capacity(block.insts.len());
        for inst in std::mem::take(&mut block.insts) {
            match inst {
                Inst::Op(i) if i.op.kind.probe().is_some() => {
                    self.probe(i, given, &mut insts, &mut captured)
                }
                Inst::Loop(mut l) => {
                    captured.extend(self.iterate(&mut l, given)?);
                    insts.push(Inst::Loop(l));
                }
                other => insts.push(other),
            }
        }
        block.insts = insts;
        Ok(captured)
    }

    fn probe(
        &mut self,
        i: OpInst,
        given: &HashMap<String, Value>,
        insts: &mut Vec<Inst>,
        captured: &mut Vec<(String, Value)>,
    ) {
        let label = self.labels.get(&i.result).cloned().unwrap_or_default();
        let mut stands = i.operands[0];
        match i.op.kind.probe() {
            Some(Probe::Capture) if self.captured.contains(&label) => {
                captured.push((label, stands));
            }
            Some(Probe::Patch) => stands = given.get(&label).copied().unwrap_or(stands),
            Some(Probe::PatchCotangent) if self.replaced.contains(&label) => {
                let ty = self.builder.type_of(stands).clone();
                if let Ok(zero) = self.builder.constant(0.0, ty.dtype, ty.shape) {
                    insts.append(&mut self.builder.insts);
                    stands = zero;
                }
            }
            Some(Probe::Capture | Probe::PatchCotangent) | None => {}
        }
        self.renamed.insert(i.result, stands);
    }

    /// Of a loop: slices of what is given, stacks of what is captured.
    fn iterate(
        &mut self,
        l: &mut Loop,
        given: &HashMap<String, Value>,
    ) -> Result<Vec<(String, Value)>, LinkError> {
        let mut inside = HashMap::new();
        let mut labels = Vec::new();
        l.body.each_inst(&mut |inst| {
            if let Inst::Op(i) = inst
                && i.op.kind.probe() == Some(Probe::Patch)
            {
                labels.extend(self.labels.get(&i.result).cloned());
            }
        });
        for label in labels {
            let Some(whole) = given.get(&label).copied() else {
                continue;
            };
            let Some(ty) = self.builder.type_of(whole).slice(0) else {
                continue;
            };
            let slice = self.builder.value(ty);
            l.sliced.push(Sliced {
                value: whole,
                axis: 0,
            });
            l.body.params.push(slice);
            inside.insert(label, slice);
        }
        let mut out = Vec::new();
        for (label, value) in self.block(&mut l.body, &inside)? {
            let ty = self.builder.type_of(value).stack(0, l.trip.clone());
            let Some(ty) = ty else {
                continue;
            };
            let stack = self.builder.value(ty);
            l.body.results.push(value);
            l.stacked.push(0);
            l.results.push(stack);
            out.push((label, stack));
        }
        Ok(out)
    }
}
