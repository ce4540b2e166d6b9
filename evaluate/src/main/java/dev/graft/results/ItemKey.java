package dev.graft.results;

import dev.graft.task.Question;
import dev.graft.task.Task;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;

/**
 * One question to one model. Equal keys have equal answers, since the digest covers the model, the
 * task's file and every character of the prompt.
 *
 * @param model its name
 * @param task its name
 * @param subject its name; empty if the task has no parts
 * @param doc number of the record in its file, from 0
 * @param digest of all that an answer depends on
 */
public record ItemKey(String model, String task, String subject, int doc, String digest) {
  /**
   * The key of a question.
   *
   * @param identity all that the model's answers depend on
   */
  public static ItemKey of(
      String model, String identity, Task task, Task.Subject subject, Question question) {
    MessageDigest sha;
    try {
      sha = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // every Java has it
    }
    add(sha, identity);
    add(sha, task.digest());
    for (String part : parts(question)) {
      add(sha, part);
    }
    String digest = HexFormat.of().formatHex(sha.digest(), 0, 8);
    return new ItemKey(model, task.name(), subject.name(), question.doc().index(), digest);
  }

  private static List<String> parts(Question question) {
    return switch (question) {
      case Question.Choose choose ->
          List.of(
              choose.context(),
              String.join("\0", choose.continuations()),
              Integer.toString(choose.gold()));
      case Question.Write write -> List.of(write.prompt(), write.target());
      case Question.Roll roll -> List.of(roll.text(), roll.original());
    };
  }

  private static void add(MessageDigest sha, String text) {
    sha.update(text.getBytes(StandardCharsets.UTF_8));
    sha.update((byte) 0);
  }
}
