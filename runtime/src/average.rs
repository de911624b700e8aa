//! The moving average of a trainer's parameters.

use crate::error::{Error, Result};
use crate::model::ModelFunction;
use crate::models::Leaves;
use crate::shared::FirstModel;
use crate::trainer::Trainer;

impl<F: ModelFunction> Trainer<F> {
    /// The model with the moving average of each parameter in its place, and states as they are now.
    ///
    /// # Errors
    /// [`Error::NoAverage`] without [`moving_average`](crate::TrainBuilder::moving_average); a device that was lost.
    pub fn averaged(&self) -> Result<FirstModel<F>> {
        let mut model = self.model()?;
        let training = &self.training;
        let Some(state) = training.average_state() else {
            return Err(Error::NoAverage);
        };
        let Some(layout) = training.places.layouts.first() else {
            return Ok(model);
        };
        let (mut leaves, mut done) = (layout.leaves.iter(), Ok(()));
        model.each_mut(&mut |_, param| {
            let Some(leaf) = leaves.next() else { return };
            if done.is_ok() && training.trainees.place(leaf).is_some() {
                done = training
                    .read_state(state, leaf)
                    .map(|read| param.data = read);
            }
        });
        done?;
        Ok(model)
    }
}
