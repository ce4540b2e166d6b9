package dev.graft.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.loop.Recipe;
import dev.graft.loop.RecipeReader;
import dev.graft.text.IndexedDatasetWriter;
import dev.graft.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** What the documents say, compared with the code. */
class DocumentsTest {
  private static final Pattern ARTIFACT = Pattern.compile("<artifactId>([^<]+)</artifactId>");
  private static final Pattern CODE = Pattern.compile("`([^`]+)`");
  private static final Pattern LINK = Pattern.compile("\\]\\((?!https?:)([^)#]+)[^)]*\\)");

  @Test
  void dependenciesAreThoseOfThePoms() throws IOException {
    Set<String> used = new TreeSet<>();
    try (Stream<Path> folders = Files.list(Project.root())) {
      for (Path pom :
          Stream.concat(Stream.of(Project.root()), folders)
              .map(folder -> folder.resolve("pom.xml"))
              .filter(Files::exists)
              .toList()) {
        ARTIFACT
            .matcher(Files.readString(pom).replaceAll("(?s)<exclusions>.*?</exclusions>", ""))
            .results()
            .map(found -> found.group(1))
            .filter(name -> !name.equals("graft") && !name.startsWith("graft-"))
            .forEach(used::add);
      }
    }
    Set<String> listed = new TreeSet<>();
    Project.read("docs/dependencies.md")
        .lines()
        .filter(line -> line.startsWith("| `"))
        .map(line -> line.substring(2, line.indexOf('|', 2)))
        .forEach(cell -> CODE.matcher(cell).results().map(r -> r.group(1)).forEach(listed::add));
    assertEquals(used, listed);
  }

  @Test
  void theReadmesJavaIsTheOneThatIsCompiled() {
    Matcher source =
        Pattern.compile("    // README\n(.*)    // README\n", Pattern.DOTALL)
            .matcher(Project.read("cli/src/test/java/dev/graft/cli/ReadmeExample.java"));
    Matcher readme =
        Pattern.compile("```java\n(.*?)```", Pattern.DOTALL).matcher(Project.read("README.md"));
    assertTrue(source.find() && readme.find());
    assertEquals(source.group(1).replaceAll("(?m)^ {4}", ""), readme.group(1));
  }

  @Test
  void theReadmesJavaRuns(@TempDir Path folder) throws IOException {
    Path dense = Shared.path("models/stories260k");
    try (Tokenizer tokenizer = Tokenizer.open(dense);
        IndexedDatasetWriter tokens =
            IndexedDatasetWriter.create(folder.resolve("tokens"), tokenizer.vocabSize())) {
      for (int story = 0; story < 20; story++) {
        tokens.add(tokenizer.encode("Once upon a time there was a cat of " + story + " years. "));
      }
      tokens.commit();
    }
    Path recipe = folder.resolve("recipe.yaml");
    Files.writeString(
        recipe,
        """
        data: {train: [{tokens: %1$s/tokens}]}
        sequence_length: 32
        global_batch_size: 2
        micro_batch_size: 2
        steps: 2
        threads: 2
        out: %1$s/run
        """
            .formatted(folder));
    Path page = folder.resolve("report.html");
    String text = ReadmeExample.run(dense, folder.resolve("moe"), recipe, page);
    assertTrue(text.startsWith("Once upon a time"), text);
    assertTrue(text.length() > 40, text);
    assertTrue(Files.size(page) > 0);
  }

  @Test
  void theReadmesRecipeIsReadAsItStands() {
    Matcher section =
        Pattern.compile("## A recipe\n\n(.*?)\n\n[^ ]", Pattern.DOTALL)
            .matcher(Project.read("README.md"));
    assertTrue(section.find());
    Recipe recipe = RecipeReader.read("README.md", section.group(1).stripIndent(), List.of());
    assertEquals(200, recipe.steps());
    assertEquals(2, recipe.data().train().size());
  }

  @Test
  void theReadmeListsTheVerbsThereAre() {
    Set<String> verbs =
        Main.commandLine(new ErrorReport(System.err)).getSubcommands().values().stream()
            .map(CommandLine::getCommandSpec)
            .filter(verb -> !verb.usageMessage().hidden())
            .map(verb -> verb.name())
            .collect(Collectors.toCollection(TreeSet::new));
    Matcher section =
        Pattern.compile("## Verbs\n(.*?)\n## ", Pattern.DOTALL).matcher(Project.read("README.md"));
    assertTrue(section.find());
    Set<String> listed =
        section
            .group(1)
            .lines()
            .filter(line -> line.startsWith("| `"))
            .map(line -> line.replaceAll("^\\| `([a-z]+).*", "$1"))
            .collect(Collectors.toCollection(TreeSet::new));
    assertEquals(verbs, listed);
  }

  @Test
  void linksLeadSomewhere() {
    for (String page :
        List.of(
            "README.md",
            "CONTRIBUTING.md",
            "docs/architecture.md",
            "docs/dependencies.md",
            "docs/benchmarks.md",
            "docs/constrained-decoding.md",
            "docs/evaluation.md",
            "docs/serving.md",
            "docs/tensor-parallel.md",
            "docs/quantization.md")) {
      Path folder = Project.root().resolve(page).getParent();
      for (MatchResult link : LINK.matcher(Project.read(page)).results().toList()) {
        assertTrue(Files.exists(folder.resolve(link.group(1))), page + ": " + link.group(1));
      }
    }
  }
}
