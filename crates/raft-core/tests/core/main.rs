mod lock_limits;
mod lock_model;
