"""The web desk: what the questions of :mod:`axis.services.questions` answer, as pages for people. Only reads."""
