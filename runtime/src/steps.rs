//! Many steps in one call: `repeat`, `epoch`, and what they report.

use crate::arg::ArgView;
use crate::backend::room;
use crate::cut::Cut;
use crate::error::{Error, Result};
use crate::model::ModelFunction;
use crate::output::Outputs;
use crate::trainer::Trainer;
use crate::views::{ArgViews, IntoArgs, each_count};
use std::ops::Range;

/// What many steps report, of [`repeat`](Trainer::repeat) or [`epoch`](Trainer::epoch): of each step what
/// [`Step`](crate::Step) tells of one.
///
/// ```
/// # use sinew::prelude::*;
/// # #[model]
/// # struct Line {
/// #     #[init(zeros)]
/// #     slope: Param,
/// # }
/// // The first result trains, the other is reported.
/// #[model]
/// fn loss<N>(line: &Line, x: Tensor<N>, y: Tensor<N>) -> (Tensor, Tensor) {
///     let height = line.slope * x;
///     (mse(height, y), (height - y).abs().max())
/// }
///
/// let mut train = loss::train(Line::init(0)).optimizer(Sgd::new(0.1)).build()?;
/// let steps = train.repeat(3, [1.0, 2.0], [3.0, 6.0])?;
/// assert_eq!(steps.losses, [22.5, 5.625, 1.40625]);
/// assert_eq!((steps.mean(), steps.last()), (Some(9.84375), Some(1.40625)));
/// assert_eq!(steps.rest, [6.0, 3.0, 1.5]); // an `f32` of each step
/// assert_eq!(steps.mean_of(|error| f64::from(*error)), Some(3.5));
/// assert_eq!(steps.numbers, 1..4);
/// # Ok::<(), sinew::Error>(())
/// ```
///
/// Of passes over data in memory:
///
/// ```
/// # use sinew::prelude::*;
/// # use sinew::ndarray::Array1;
/// # #[model]
/// # struct Line {
/// #     #[init(zeros)]
/// #     slope: Param,
/// # }
/// # #[model]
/// # fn loss<N>(line: &Line, x: Tensor<N>, y: Tensor<N>) -> Tensor {
/// #     mse(line.slope * x, y)
/// # }
/// let x = Array1::linspace(0.0f32, 1.0, 1000);
/// let y = 3.0 * &x;
/// let mut train = loss::train(Line::init(0)).optimizer(Sgd::new(0.1)).build()?;
/// for epoch in 0..20 {
///     let steps = train.epoch(64, &x, &y)?;
///     assert_eq!(steps.len(), 16); // 15 of 64 rows, and one of 40
///     println!("{epoch}: {:.5}", steps.mean().unwrap_or(f64::NAN));
/// }
/// assert!((train.model()?.slope.item()? - 3.0).abs() < 1e-3);
///
/// let error = train.epoch(64, &x, [1.0; 999]).unwrap_err();
/// assert!(error.to_string().ends_with("`x` has 1000 rows, and `y` has 999"));
/// # Ok::<(), sinew::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Steps<R = ()> {
    /// The loss of each step, before its update.
    pub losses: Vec<f64>,
    /// The Euclidean norm of all gradients of each step before clipping; where clipping is on.
    pub grad_norms: Option<Vec<f64>>,
    /// Which steps they were: the number of the first, from 1, and the one behind that of the last.
    pub numbers: Range<u64>,
    /// Of each step the function's results behind the first, of before the update too.
    pub rest: Vec<R>,
    /// What the last step counts in means: rows of its batch by those of another.
    last_share: f64,
}

impl<R> Steps<R> {
    /// How many steps there were.
    pub fn len(&self) -> usize {
        self.losses.len()
    }

    /// Whether there were none.
    pub fn is_empty(&self) -> bool {
        self.losses.is_empty()
    }

    /// The loss of the last step; none where there were no steps.
    pub fn last(&self) -> Option<f64> {
        self.losses.last().copied()
    }

    /// The mean of the losses, in which a batch of fewer rows counts by its rows: for a loss that is a mean over the batch,
    /// that over all rows. None where there were no steps.
    pub fn mean(&self) -> Option<f64> {
        self.mean_over(self.losses.iter().copied())
    }

    /// As [`mean`](Self::mean), of a number that is made of each step's other results.
    pub fn mean_of(&self, number: impl FnMut(&R) -> f64) -> Option<f64> {
        self.mean_over(self.rest.iter().map(number))
    }

    fn mean_over(&self, numbers: impl Iterator<Item = f64>) -> Option<f64> {
        let others = self.len().checked_sub(1)?;
        let share = |i: usize| if i < others { 1.0 } else { self.last_share };
        let sum: f64 = numbers
            .enumerate()
            .map(|(i, number)| share(i) * number)
            .sum();
        Some(sum / (others as f64 + self.last_share))
    }
}

impl<F: ModelFunction> Trainer<F> {
    fn repeat_views(
        &mut self,
        steps: usize,
        arguments: &[ArgView<'_>],
    ) -> Result<Steps<<F::Output as Outputs>::Rest>> {
        self.take(&Cut::same(arguments, steps))
    }

    fn epoch_views(
        &mut self,
        rows: usize,
        arguments: &[ArgView<'_>],
    ) -> Result<Steps<<F::Output as Outputs>::Rest>> {
        let cut = Cut::rows(self.engine(), arguments, rows)?;
        self.take(&cut)
    }

    fn take(&mut self, cut: &Cut<'_, '_>) -> Result<Steps<<F::Output as Outputs>::Rest>> {
        self.training.ready(cut)?;
        let (count, first) = (cut.steps(), self.steps() + 1);
        let mut losses = room("losses", count)?;
        let mut norms = room("norms of gradients", count)?;
        let mut rest = room("results", count)?;
        let expected = <F::Output as Outputs>::COUNT;
        let done = self.training.take(cut, expected, &mut |turn| {
            losses.push(turn.loss);
            norms.extend(turn.norm);
            rest.push(<F::Output as Outputs>::rest(turn.rest)?);
            Ok(())
        });
        if let Err(source) = done {
            return Err(Error::InSteps {
                number: first + losses.len() as u64,
                losses,
                source: Box::new(source),
            });
        }
        Ok(Steps {
            grad_norms: self.training.clips_norm().then_some(norms),
            numbers: first..first + count as u64,
            last_share: cut.last_share(),
            losses,
            rest,
        })
    }
}

macro_rules! repeat {
    ($name:ident $(($marker:ident $argument:ident $($bound:tt)*))*) => {
        impl<F, $($marker),*> Trainer<F, ($($marker,)*)>
        where
            F: ModelFunction<Inputs = ($($marker,)*)>,
        {
            /// Takes so many steps on the same arguments, as so many calls of [`step`](Self::step) would, bit by bit, without
            /// what each call costs: small networks train faster so.
            ///
            /// Arguments are looked at once. The schedule of the learning rate goes on from step to step, and each draws
            /// other random elements. Others who use the model (a runner on another thread) are let in between two steps.
            /// Of no steps nothing is compiled or looked at. [`Steps`] has an example.
            ///
            /// # Errors
            /// As [`step`](Self::step), of arguments before the first step. What goes wrong in a step is told by
            /// [`Error::InSteps`](crate::Error::InSteps), with its number: those before it were taken.
            #[allow(clippy::too_many_arguments, reason = "the function's own")]
            pub fn $name(
                &mut self,
                steps: usize,
                $($argument: $($bound)*),*
            ) -> Result<Steps<<F::Output as Outputs>::Rest>> {
                #[allow(unused_mut, reason = "without arguments")]
                let mut views = ArgViews::new();
                $($argument.add_to(&mut views);)*
                self.repeat_views(steps, views.as_slice())
            }
        }
    };
}

macro_rules! epoch {
    ($name:ident $(($marker:ident $argument:ident $($bound:tt)*))*) => {
        impl<F, $($marker),*> Trainer<F, ($($marker,)*)>
        where
            F: ModelFunction<Inputs = ($($marker,)*)>,
        {
            /// Takes a step on each batch of `rows` rows of data in memory, in its order: one pass. As so many calls of
            /// [`step`](Self::step) would, bit by bit, without what each call costs.
            ///
            /// The batch is the first axis of the function's first argument, if that is a symbol. Every argument whose first
            /// axis has the same symbol is cut into batches with it, all others are given whole to each step. Nothing is
            /// copied of arguments that lie row-major and are of the working float, or of 32-bit integers. Rows that are
            /// left are a last, shorter batch: a step of its own, for which a second program is compiled.
            ///
            /// All data is looked at before the first step: shapes, indices that are out of range. Others who use the model
            /// (a runner on another thread) are let in between two steps. For batches in another order in each epoch, see
            /// `sinew::data::Batches`. [`Steps`] has an example.
            ///
            /// # Errors
            /// [`Error::NotInBatches`](crate::Error::NotInBatches) for a function that has no such batch, for batches of no
            /// rows or of more than there are, and for data of different numbers of rows; else as [`step`](Self::step), of
            /// all data, before the first step. What goes wrong in a step is told by
            /// [`Error::InSteps`](crate::Error::InSteps), with its number: those before it were taken.
            #[allow(clippy::too_many_arguments, reason = "the function's own")]
            pub fn $name(
                &mut self,
                rows: usize,
                $($argument: $($bound)*),*
            ) -> Result<Steps<<F::Output as Outputs>::Rest>> {
                #[allow(unused_mut, reason = "without arguments")]
                let mut views = ArgViews::new();
                $($argument.add_to(&mut views);)*
                self.epoch_views(rows, views.as_slice())
            }
        }
    };
}

repeat!(repeat);
each_count! {
    repeat! repeat (A a: impl IntoArgs<A>) (B b: impl IntoArgs<B>) (C c: impl IntoArgs<C>)
    (D d: impl IntoArgs<D>) (E e: impl IntoArgs<E>) (G g: impl IntoArgs<G>)
    (H h: impl IntoArgs<H>) (I i: impl IntoArgs<I>) (J j: impl IntoArgs<J>)
    (K k: impl IntoArgs<K>) (L l: impl IntoArgs<L>) (M m: impl IntoArgs<M>)
    (N n: impl IntoArgs<N>) (O o: impl IntoArgs<O>) (P p: impl IntoArgs<P>)
    (Q q: impl IntoArgs<Q>)
}
epoch!(epoch);
each_count! {
    epoch! epoch (A a: impl IntoArgs<A>) (B b: impl IntoArgs<B>) (C c: impl IntoArgs<C>)
    (D d: impl IntoArgs<D>) (E e: impl IntoArgs<E>) (G g: impl IntoArgs<G>)
    (H h: impl IntoArgs<H>) (I i: impl IntoArgs<I>) (J j: impl IntoArgs<J>)
    (K k: impl IntoArgs<K>) (L l: impl IntoArgs<L>) (M m: impl IntoArgs<M>)
    (N n: impl IntoArgs<N>) (O o: impl IntoArgs<O>) (P p: impl IntoArgs<P>)
    (Q q: impl IntoArgs<Q>)
}
