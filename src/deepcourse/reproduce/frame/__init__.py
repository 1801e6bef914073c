"""What all full-size experiments share: contract, session, record, card, benchmark."""
