mod lock_model;
