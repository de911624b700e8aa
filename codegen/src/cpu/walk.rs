//! Places along several dims that are walked as one: runs of equally distant neighbours.
//!
//! Products walk rows, columns and the contracted dim by a number each. What an access does not walk
//! as one dim it walks in runs, whose starts stand in a table.

/// The places of the elements along some dims, by their row-major number.
#[derive(Clone, Debug)]
pub(super) struct Walk {
    /// Elements of a run.
    pub run: usize,
    /// Elements between neighbours of a run.
    pub step: isize,
    /// Where each run begins.
    pub starts: Vec<isize>,
}

impl Walk {
    /// The walk of strides over extents, in runs of `run` elements: what [`run`] says of them, or a
    /// divisor that it says of several together.
    pub(super) fn new(strides: &[i64], extents: &[usize], run: usize) -> Walk {
        let (mut outer, mut inside) = (extents.len(), 1);
        // A run of one has neighbours wherever one likes.
        let mut step = 1;
        while outer > 0 && inside < run {
            outer -= 1;
            if inside == 1 && extents[outer] > 1 {
                step = strides[outer] as isize;
            }
            inside *= extents[outer];
        }
        let mut starts = vec![0];
        for (stride, extent) in strides.iter().zip(extents).take(outer) {
            starts = starts
                .iter()
                .flat_map(|start| (0..*extent).map(move |i| start + i as isize * *stride as isize))
                .collect();
        }
        Walk { run, step, starts }
    }

    /// `count` elements that are `step` apart, in runs of `run`.
    pub(super) fn even(count: usize, run: usize, step: isize) -> Walk {
        let runs = count.div_ceil(run.max(1));
        Walk {
            run,
            step,
            starts: (0..runs).map(|r| (r * run) as isize * step).collect(),
        }
    }

    /// Where an element lies.
    pub(super) fn at(&self, number: usize) -> isize {
        match &self.starts[..] {
            [_] => number as isize * self.step,
            starts => starts[number / self.run] + (number % self.run) as isize * self.step,
        }
    }
}

/// How many elements from a number on lie in its run. Where there is one run only, which is the rule,
/// nothing is divided: this is asked for every tile.
pub(super) fn rest_of_run(number: usize, run: usize) -> usize {
    if number < run {
        run - number
    } else {
        run - number % run
    }
}

/// The most elements that all of these strides walk as one dim: the product of the last extents.
pub(super) fn run(extents: &[usize], all: &[&[i64]]) -> usize {
    let mut run = 1;
    // The stride that a dim must have to go on with those behind it.
    let mut next: Vec<Option<i64>> = vec![None; all.len()];
    for (d, &extent) in extents.iter().enumerate().rev() {
        if extent == 1 {
            continue;
        }
        let goes_on =
            |(strides, next): (&&[i64], &Option<i64>)| next.is_none_or(|n| n == strides[d]);
        if !all.iter().zip(&next).all(goes_on) {
            break;
        }
        run *= extent;
        for (strides, next) in all.iter().zip(&mut next) {
            *next = Some(strides[d] * extent as i64);
        }
    }
    run
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_walked_in_runs() {
        // Rows of 3 in rows of 10, and the same side by side.
        let (windows, dense) = ([10, 1], [3, 1]);
        assert_eq!(run(&[4, 3], &[&windows]), 3);
        assert_eq!(run(&[4, 3], &[&dense]), 12);
        assert_eq!(run(&[4, 3], &[&dense, &windows]), 3);
        assert_eq!(run(&[4, 1], &[&windows]), 4);
        let walk = Walk::new(&windows, &[4, 3], 3);
        assert_eq!((walk.step, &walk.starts[..]), (1, &[0, 10, 20, 30][..]));
        assert_eq!(walk.at(7), 21);
        assert_eq!(Walk::new(&dense, &[4, 3], 12).at(7), 7);
        assert_eq!(Walk::new(&dense, &[4, 3], 3).at(7), 7);
        assert_eq!(Walk::even(12, 3, 2).at(7), 14);
        assert_eq!([0, 2, 3, 7, 11].map(|i| rest_of_run(i, 3)), [3, 1, 3, 2, 1]);
    }
}
