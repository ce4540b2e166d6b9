package dev.graft.task;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.graft.checkpoint.InvalidInputException;
import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TaskReaderTest {
  private static final String TASK =
      """
      task: mine
      output_type: multiple_choice
      doc_to_text: question
      doc_to_choice: [yes, no]
      doc_to_target: answer
      metric_list:
        - metric: acc
      dataset: {test: mine.jsonl}
      """;

  @Test
  void aTaskHasLmEvaluationHarnesssDefaults() {
    Task task = TaskReader.read("mine.yaml", TASK);
    assertEquals("mine", task.title());
    assertEquals(" ", task.targetDelimiter());
    assertEquals("\n\n", task.fewshotDelimiter());
    assertEquals(0, task.fewshots());
    assertEquals(Task.Sampler.DEFAULT, task.sampler());
    assertEquals(256, task.generation().maxTokens());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "doc_to_text: question | doc_to_txt: question | mine.yaml: doc_to_txt is not a key of a task",
        "test: mine.jsonl | test: mine.jsonl, tset: a | mine.yaml: dataset: tset is not a key of a task",
        "task: mine | name: mine | mine.yaml: the key task is missing",
        "multiple_choice | multi_choice | mine.yaml: output_type is multi_choice; it must be one of",
        "[yes, no] | [yes] | mine.yaml: doc_to_choice must list at least two answers",
        "doc_to_text: question | doc_to_text: '{{ question' | mine.yaml: doc_to_text: the template",
        "test: mine.jsonl | format: xml, test: a | mine.yaml: dataset: format is xml; it must be one",
        "{test: mine.jsonl} | {} | mine.yaml: dataset: test is missing",
        "'  - metric: acc' | '' | mine.yaml: metric_list is missing",
      })
  void whatCannotBeUsedIsRefusedByName(String good, String bad, String says) {
    InvalidInputException e =
        assertThrows(
            InvalidInputException.class,
            () -> TaskReader.read("mine.yaml", TASK.replace(good, bad)));
    assertEquals(
        says, e.getMessage().substring(0, Math.min(says.length(), e.getMessage().length())));
  }

  @Test
  void theTasksThatComeWithGraftAreThere() throws IOException {
    assertEquals(57, TaskReader.named("mmlu").dataset().subjects().size());
    assertEquals(67, TaskReader.named("cmmlu").dataset().subjects().size());
    assertEquals(52, TaskReader.named("ceval").dataset().subjects().size());
    assertEquals(1, TaskReader.named("wikitext").dataset().subjects().size());
    Task anatomy = TaskReader.named("mmlu_anatomy");
    assertEquals("mmlu_anatomy", anatomy.name());
    assertEquals("anatomy", anatomy.dataset().subjects().getFirst().name());
    assertEquals(
        "there is no task mmlu_anatomie; mmlu has no such subject",
        assertThrows(InvalidInputException.class, () -> TaskReader.named("mmlu_anatomie"))
            .getMessage());
  }
}
