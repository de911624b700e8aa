//! Calls of trainers and runners with the arrays of a batch: a batch is one value, and their methods take arguments.

use ndarray::{ArcArray, Dimension};
use sinew_runtime::{IntoArgs, ModelFunction, Outputs, Result, Runner, Trainer};
use std::path::Path;

/// What [`fit`](crate::fit) trains, on batches of a type: a [`Trainer`](crate::Trainer) whose arguments the arrays of a
/// batch are, in their order.
///
/// For what takes its steps in another way, two trainers in turn say, it is implemented by hand.
#[diagnostic::on_unimplemented(
    message = "the arrays of a batch are not the arguments of a step",
    note = "a batch is `{B}`: there is one array for each argument of the function, in their order, with the \
            elements and dims that are declared"
)]
pub trait Training<B> {
    /// Takes a step.
    ///
    /// # Errors
    /// As [`Trainer::step`](crate::Trainer).
    fn step_on(&mut self, batch: &B) -> Result<Taken>;

    /// How many steps were taken.
    fn steps_taken(&self) -> u64;

    /// The learning rate of the step to come.
    fn rate(&self) -> f64;

    /// Writes to a file what training goes on from.
    ///
    /// # Errors
    /// As [`Trainer::save`](crate::Trainer::save).
    fn save_to(&self, path: &Path) -> Result<()>;
}

/// What is known of a step that was taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Taken {
    /// The loss before the update.
    pub loss: f64,
    /// Which step it was, from 1.
    pub number: u64,
}

/// What makes predictions of batches whose last array is the target: a [`Runner`](crate::Runner) whose arguments the
/// arrays before it are.
#[diagnostic::on_unimplemented(
    message = "the arrays of a batch, without the last, are not the arguments of a run",
    note = "a batch is `{B}`: an array for each argument of the function, in their order, and the targets"
)]
pub trait Predict<B> {
    /// What it predicts.
    type Output;
    /// What it should.
    type Target;
    /// Predictions of a batch, and its targets.
    ///
    /// # Errors
    /// As [`Runner::run`](crate::Runner).
    fn predict<'b>(&self, batch: &'b B) -> Result<(Self::Output, &'b Self::Target)>;
}

/// What makes one number of a batch, a loss say: a [`Runner`](crate::Runner) whose arguments the arrays are.
#[diagnostic::on_unimplemented(
    message = "the arrays of a batch are not the arguments of a run that gives one number",
    note = "a batch is `{B}`: there is one array for each argument of the function, in their order"
)]
pub trait Measure<B> {
    /// The number.
    ///
    /// # Errors
    /// As [`Runner::run`](crate::Runner).
    fn measure(&self, batch: &B) -> Result<f64>;
}

macro_rules! training {
    ([$($generic:tt)*] $batch:ty, ($($marker:ident: $array:ty = $value:expr),*), $name:ident) => {
        impl<FUN, $($marker,)* $($generic)*> Training<$batch> for Trainer<FUN, ($($marker,)*)>
        where
            FUN: ModelFunction<Inputs = ($($marker,)*)>,
            $(for<'x> &'x $array: IntoArgs<$marker>,)*
        {
            fn step_on(&mut self, $name: &$batch) -> Result<Taken> {
                let step = self.step($($value),*)?;
                Ok(Taken {
                    loss: step.loss,
                    number: step.number,
                })
            }
            fn steps_taken(&self) -> u64 {
                self.steps()
            }
            fn rate(&self) -> f64 {
                self.learning_rate()
            }
            fn save_to(&self, path: &Path) -> Result<()> {
                self.save(path)
            }
        }
        impl<FUN, $($marker,)* $($generic)*> Measure<$batch> for Runner<FUN, ($($marker,)*)>
        where
            FUN: ModelFunction<Inputs = ($($marker,)*), Output: Outputs<Wide = f64>>,
            $(for<'x> &'x $array: IntoArgs<$marker>,)*
        {
            fn measure(&self, $name: &$batch) -> Result<f64> {
                self.run_f64($($value),*)
            }
        }
    };
}

macro_rules! tuple {
    ($($marker:ident $array:ident $i:tt),*) => {
        training!([$($array),*] ($($array,)*), ($($marker: $array = &batch.$i),*), batch);
        predict!(($($marker $array $i),*));
    };
}

macro_rules! predict {
    (($($marker:ident $array:ident $i:tt),*)) => {
        impl<FUN, $($marker, $array,)* T> Predict<($($array,)* T,)> for Runner<FUN, ($($marker,)*)>
        where
            FUN: ModelFunction<Inputs = ($($marker,)*)>,
            $(for<'x> &'x $array: IntoArgs<$marker>,)*
        {
            type Output = <FUN::Output as Outputs>::Narrow;
            type Target = T;
            #[allow(non_snake_case, reason = "named as their types")]
            fn predict<'b>(&self, batch: &'b ($($array,)* T,)) -> Result<(Self::Output, &'b T)> {
                let ($($array,)* targets,) = batch;
                Ok((self.run($($array),*)?, targets))
            }
        }
    };
}

training!([T, D: Dimension] ArcArray<T, D>, (A: ArcArray<T, D> = batch), batch);
tuple!(A XA 0);
tuple!(A XA 0, B XB 1);
tuple!(A XA 0, B XB 1, C XC 2);
tuple!(A XA 0, B XB 1, C XC 2, D XD 3);
tuple!(A XA 0, B XB 1, C XC 2, D XD 3, E XE 4);
tuple!(A XA 0, B XB 1, C XC 2, D XD 3, E XE 4, G XG 5);
tuple!(A XA 0, B XB 1, C XC 2, D XD 3, E XE 4, G XG 5, H XH 6);
tuple!(A XA 0, B XB 1, C XC 2, D XD 3, E XE 4, G XG 5, H XH 6, I XI 7);
