package sallyport.ask_test

test_missing_input_is_refused if data.sallyport.ask.decision.allow == false with input as {}
