//! The moving average of a trainer's parameters.

use crate::error::{Error, Result};
use crate::groups::UpdatePlan;
use crate::layout::Leaf;
use crate::model::ModelFunction;
use crate::models::Leaves;
use crate::shared::FirstModel;
use crate::store::write_leaves;
use crate::trainer::Trainer;

impl<F: ModelFunction> Trainer<F> {
    /// The model with the moving average of each parameter in its place, and states as they are now.
    ///
    /// # Errors
    /// [`Error::NoAverage`] without [`moving_average`](crate::TrainBuilder::moving_average); a device that was lost.
    pub fn averaged(&self) -> Result<FirstModel<F>> {
        let mut model = self.model()?;
        let Some(state) = self.plan.as_ref().and_then(UpdatePlan::average_state) else {
            return Err(Error::NoAverage);
        };
        let Some(layout) = self.places.layouts.first() else {
            return Ok(model);
        };
        let (mut leaves, mut done) = (layout.leaves.iter(), Ok(()));
        model.each_mut(&mut |_, param| {
            let Some(leaf) = leaves.next() else { return };
            if done.is_ok() && self.trainees.place(leaf).is_some() {
                done = self.read_state(state, leaf).map(|read| param.data = read);
            }
        });
        done?;
        Ok(model)
    }

    /// Has the average begin with the parameters as they are.
    pub(crate) fn restart_average(&mut self) -> Result<()> {
        let Some(state) = self.plan.as_ref().and_then(UpdatePlan::average_state) else {
            return Ok(());
        };
        let model = self.model()?;
        let places = &self.trainees;
        if let (Some(layout), Some(memory)) =
            (self.places.layouts.first(), self.states.get_mut(state))
        {
            write_leaves(layout, &model, memory, &|leaf: &Leaf| places.place(leaf))?;
        }
        Ok(())
    }
}
