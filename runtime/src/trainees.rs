//! What a trainer trains: which leaves of its first model, and where they lie.
//!
//! Gradients and the optimizer's state are packed in the order in which their parameters lie in the
//! model's memory, so that parameters which lie side by side there are one run: one flat range for the
//! update. A model that was put on its device for this trainer is one run; of a shared one others may have
//! said what lies where.

use crate::backend::ALIGN;
use crate::error::{Error, Result};
use crate::layout::{Layout, Leaf, Section, without_numbers};
use std::collections::HashMap;

/// Parameters of a group that lie side by side.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Run {
    /// The group.
    pub group: usize,
    /// Where in the model's memory.
    pub section: Section,
    /// The first byte there.
    pub offset: usize,
    /// The first byte among the gradients.
    pub start: usize,
    /// The bytes, gaps included.
    pub bytes: usize,
}

/// The parameters that a step updates.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Trainees {
    /// What programs have as parameters: their paths.
    pub paths: Vec<String>,
    /// Where they lie.
    pub runs: Vec<Run>,
    /// Bytes of all gradients.
    pub bytes: usize,
}

impl Trainees {
    /// Nothing.
    pub fn none() -> Trainees {
        Trainees {
            paths: Vec::new(),
            runs: Vec::new(),
            bytes: 0,
        }
    }

    /// The parameters that have a `group`.
    pub fn new(layout: &Layout, group: &dyn Fn(&str) -> Option<usize>) -> Trainees {
        let mut out = Trainees::none();
        for section in [Section::Trained, Section::Fixed] {
            let stacks = layout.stacks.iter().filter(|s| s.section == section);
            let grouped = stacks.filter_map(|s| Some((s, group(&s.path)?)));
            let mut grouped: Vec<_> = grouped.collect();
            grouped.sort_by_key(|(stack, _)| stack.offset);
            for (stack, group) in grouped {
                out.paths.push(stack.path.clone());
                let bytes = stack.bytes.next_multiple_of(ALIGN);
                let last = out.runs.last_mut().filter(|run| {
                    (run.section, run.group) == (section, group)
                        && run.offset + run.bytes == stack.offset
                });
                match last {
                    Some(run) => run.bytes += bytes,
                    None => out.runs.push(Run {
                        group,
                        section,
                        offset: stack.offset,
                        start: out.bytes,
                        bytes,
                    }),
                }
                out.bytes += bytes;
            }
        }
        out
    }

    /// Where the gradient of a leaf, or of a stack of leaves, is among the gradients.
    pub fn place(&self, leaf: &Leaf) -> Option<usize> {
        let holds = |run: &&Run| {
            run.section == leaf.section
                && run.offset <= leaf.offset
                && leaf.offset + leaf.bytes <= run.offset + run.bytes
        };
        let run = self.runs.iter().find(holds)?;
        Some(run.start + (leaf.offset - run.offset))
    }
}

/// Which parameters are to be trained, by patterns of their paths.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selection {
    /// These are not.
    pub frozen: Vec<String>,
    /// If there are any, no others are.
    pub only: Vec<String>,
}

impl Selection {
    fn is_chosen(&self, path: &str) -> bool {
        let any = |patterns: &[String]| patterns.iter().any(|p| matches(p, path));
        (self.only.is_empty() || any(&self.only)) && !any(&self.frozen)
    }

    /// Whether each of what programs have as `parameters` of a model of these leaves is chosen, by its path.
    ///
    /// # Errors
    /// [`Error::NoMatch`] for a pattern that matches nothing, [`Error::FrozenInPart`] for one that matches
    /// some of what is one parameter.
    pub fn of(
        &self,
        leaves: &[String],
        parameters: &dyn Fn(&str) -> bool,
    ) -> Result<HashMap<String, bool>> {
        for pattern in self.frozen.iter().chain(&self.only) {
            of_pattern(pattern, leaves)?;
        }
        let mut chosen: HashMap<String, (bool, String)> = HashMap::new();
        for path in leaves {
            let stack = without_numbers(path);
            if !parameters(&stack) {
                continue;
            }
            let is = self.is_chosen(path);
            let (first, other) = chosen.entry(stack).or_insert_with(|| (is, path.clone()));
            if *first != is {
                let (trained, frozen) = match is {
                    true => (path.clone(), other.clone()),
                    false => (other.clone(), path.clone()),
                };
                return Err(Error::FrozenInPart { frozen, trained });
            }
        }
        Ok(chosen.into_iter().map(|(s, (is, _))| (s, is)).collect())
    }
}

/// Which of the paths a pattern matches.
///
/// # Errors
/// [`Error::NoMatch`] if it matches none.
pub(crate) fn of_pattern(pattern: &str, paths: &[String]) -> Result<Vec<bool>> {
    let matched: Vec<bool> = paths.iter().map(|path| matches(pattern, path)).collect();
    match matched.contains(&true) {
        true => Ok(matched),
        false => Err(Error::NoMatch {
            pattern: pattern.to_string(),
            near: near(pattern, paths),
        }),
    }
}

/// Whether a pattern matches a whole path: `*` stands for any text, dots included, as in `fnmatch`.
fn matches(pattern: &str, path: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == path;
    };
    let Some(mut path) = path.strip_prefix(start) else {
        return false;
    };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let end = parts.pop().unwrap_or_default();
    // The first place where each fits leaves most to those behind it.
    for part in parts {
        match path.find(part) {
            Some(at) => path = &path[at + part.len()..],
            None => return false,
        }
    }
    path.ends_with(end)
}

/// The paths that are most like a pattern, as text.
pub(crate) fn near(pattern: &str, paths: &[String]) -> String {
    const SHOWN: usize = 4;
    let start = pattern.split('*').next().unwrap_or_default();
    let end = pattern.rsplit('*').next().unwrap_or_default();
    let same = |a: &mut dyn Iterator<Item = (char, char)>| a.take_while(|(a, b)| a == b).count();
    let likeness = |path: &&String| {
        let front = same(&mut start.chars().zip(path.chars()));
        let back = same(&mut end.chars().rev().zip(path.chars().rev()));
        front.max(back)
    };
    let mut sorted: Vec<&String> = paths.iter().collect();
    sorted.sort_by_key(|path| std::cmp::Reverse(likeness(path)));
    let shown: Vec<String> = sorted
        .iter()
        .take(SHOWN)
        .map(|p| format!("`{p}`"))
        .collect();
    let more = match paths.len() > SHOWN {
        true => ", ..",
        false => "",
    };
    format!("{}{more}", shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Param;
    use sinew_ir::DType;

    #[test]
    fn a_star_stands_for_any_text() {
        let yes = [
            ("encoder.*", "encoder.w"),
            ("encoder.*", "encoder.hidden.w"),
            ("*.w", "encoder.hidden.w"),
            ("*", "w"),
            ("w", "w"),
            ("blocks.*.attn.*", "blocks.12.attn.q.w"),
            ("*a*a", "banana"),
            ("b*", "b"),
        ];
        for (pattern, path) in yes {
            assert!(matches(pattern, path), "{pattern} {path}");
        }
        let no = [
            ("encoder", "encoder.w"),
            ("encoder.*", "decoder.w"),
            ("encoder.*", "encoder"),
            ("*.w", "encoder.wide"),
            ("a*a", "a"),
            ("*ab*ab", "ab"),
            ("", "w"),
        ];
        for (pattern, path) in no {
            assert!(!matches(pattern, path), "{pattern} {path}");
        }
    }

    #[test]
    fn what_is_like_a_pattern_is_named() {
        let paths = ["head.w", "encoder.w", "encoder.b", "tail.w", "tail.b"].map(String::from);
        assert_eq!(
            near("encodr.*", &paths),
            "`encoder.w`, `encoder.b`, `head.w`, `tail.w`, .."
        );
        assert_eq!(
            near("*.bias.b", &paths[..3]),
            "`encoder.b`, `head.w`, `encoder.w`"
        );
    }

    #[test]
    fn neighbours_are_one_run() {
        let model: Vec<Param> = [3, 64, 65, 1].iter().map(|n| Param::zeros(&[*n])).collect();
        let layout = Layout::new(&model, DType::F32, &|_| None).expect("whole");
        let runs = |trained: &[&str]| {
            let made = Trainees::new(&layout, &|path| trained.contains(&path).then_some(0));
            let runs: Vec<_> = made
                .runs
                .iter()
                .map(|r| (r.offset, r.start, r.bytes))
                .collect();
            (runs, made.bytes)
        };
        assert_eq!(runs(&["0", "1", "2", "3"]), (vec![(0, 0, 1280)], 1280));
        assert_eq!(
            runs(&["0", "2", "3"]),
            (vec![(0, 0, 256), (512, 256, 768)], 1024)
        );
        let made = Trainees::new(&layout, &|path| (path != "1").then_some(0));
        assert_eq!(made.place(&layout.leaves[3]), Some(768));
        assert_eq!(made.place(&layout.leaves[1]), None);
        // Groups are apart.
        let made = Trainees::new(&layout, &|path| Some(usize::from(path == "2")));
        let groups: Vec<_> = made.runs.iter().map(|r| (r.group, r.bytes)).collect();
        assert_eq!(groups, [(0, 512), (1, 512), (0, 256)]);
    }
}
