package dev.graft.task;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.data.DataFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class QuestionsTest {
  @TempDir Path folder;

  private void write(String name, String text) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
  }

  /** The published form of C-Eval, on two records of our own; its subject's title is Chinese. */
  @Test
  void aPromptOfCevalIsThatOfLmEvaluationHarness() throws IOException {
    Task task = TaskReader.named("ceval_accountant");
    write(
        "ceval/val/accountant_val.csv",
        "id,question,A,B,C,D,answer\n0,\" 一加一等于，____。\",一,\"二, 或 2\",三,四,B\n");
    write(
        "ceval/dev/accountant_dev.csv",
        "id,question,A,B,C,D,answer,explanation\n0,天是什么颜色？,蓝,红,绿,黑,A,\"1. 看\n2. 答\"\n");
    Question.Choose question =
        (Question.Choose)
            new Questions(task, new DataFolder(folder), 1, Optional.empty())
                .read(5)
                .getFirst()
                .questions()
                .getFirst();
    assertEquals(
        """
        以下是中国关于注册会计师的单项选择题，请选出其中的正确答案。

        天是什么颜色？
        A. 蓝
        B. 红
        C. 绿
        D. 黑
        答案： A

        一加一等于，____。
        A. 一
        B. 二, 或 2
        C. 三
        D. 四
        答案：\
        """,
        question.context());
    assertEquals(1, question.gold());
    assertEquals(" B", question.continuations().get(1));
  }

  @Test
  void aConversationHasATurnForEachExample() throws IOException {
    Task task =
        TaskReader.read(
            "mine.yaml",
            """
            task: mine
            output_type: multiple_choice
            description: "Answer.\\n\\n"
            doc_to_text: "Q: {{q}}"
            doc_to_choice: [yes, no]
            doc_to_target: a
            fewshot_config: {sampler: first_n}
            metric_list: [{metric: acc}]
            dataset: {test: mine.jsonl, fewshot: mine.jsonl}
            """);
    write("mine.jsonl", "{\"q\": 1, \"a\": 0}\n{\"q\": 2, \"a\": 1}\n{\"q\": 3, \"a\": 1}\n");
    Questions questions =
        new Questions(
            task,
            new DataFolder(folder),
            2,
            Optional.of(messages ->
                String.join(
                    "|", messages.stream().map(m -> m.role() + ":" + m.content()).toList())));
    Question.Choose second = (Question.Choose) questions.read(5).getFirst().questions().get(1);
    // A question is not its own example.
    assertEquals(
        "system:Answer.\n\n|user:Q: 1|assistant:yes|user:Q: 3|assistant:no|user:Q: 2",
        second.context());
    assertEquals("no", second.continuations().get(1));
  }

  @Test
  void whatIsNotThereIsNamed() throws IOException {
    Task task = TaskReader.named("mmlu_anatomy");
    Questions questions = new Questions(task, new DataFolder(folder), 0, Optional.empty());
    InvalidInputException absent =
        assertThrows(InvalidInputException.class, () -> questions.read(1));
    assertTrue(absent.getMessage().startsWith("the data of mmlu_anatomy is not there: put"));
    assertTrue(absent.getMessage().contains("mmlu/test/anatomy_test.csv"));
    write("mmlu/test/anatomy_test.csv", "question,choice0,choice1,answer\nQ,a,b,0\n");
    InvalidInputException field =
        assertThrows(InvalidInputException.class, () -> questions.read(1));
    assertTrue(
        field.getMessage().startsWith("mmlu.yaml: doc_to_text: 'choice2' is undefined"),
        field.getMessage());
    write("mmlu/test/anatomy_test.csv", "question,choice0,choice1,answer\nQ,a\n");
    InvalidInputException row = assertThrows(InvalidInputException.class, () -> questions.read(1));
    assertTrue(row.getMessage().contains("anatomy_test.csv, record 1: "), row.getMessage());
  }
}
