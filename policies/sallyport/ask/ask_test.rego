package sallyport.ask_test

import data.sallyport.ask
import rego.v1

test_missing_input_is_refused if ask.decision.allow == false with input as {}
