"""How true the model is: facts as targets, measured in every market where they hold, in tolerance or not."""
