import io

from aml_actions.errors import ActionError
from aml_actions.workflow import Workflow
from aml_deploy.undo import Undo


def test_steps_are_taken_back_in_reverse_and_each_is_told():
    log = io.StringIO()
    undo = Undo(Workflow(log))
    undo.add(lambda: "Endpoint e was deleted.", "az e")
    undo.add(lambda: "Traffic was set back.", "az t")
    assert undo.run() == "Traffic was set back. Endpoint e was deleted."
    assert undo.run() == ""
    assert "Endpoint e was deleted." in log.getvalue()


def test_one_that_fails_does_not_stop_the_others_and_says_what_to_do():
    def refuse():
        raise ActionError("Azure refused.", value="it is locked")

    undo = Undo(Workflow(io.StringIO()))
    undo.add(lambda: "Endpoint e was deleted.", "az e")
    undo.add(refuse, "az ml online-deployment delete --name d")
    text = undo.run()
    assert "CLEANING UP FAILED (it is locked)" in text
    assert "`az ml online-deployment delete --name d`" in text
    assert text.endswith("Endpoint e was deleted.")


def test_what_is_kept_is_not_taken_back():
    undo = Undo(Workflow(io.StringIO()))
    undo.add(lambda: "gone", "az")
    undo.forget()
    assert undo.run() == ""
