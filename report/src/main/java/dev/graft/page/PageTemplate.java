package dev.graft.page;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * The files that make a page, put into one. The page's content security policy allows no load from
 * anywhere and no script but the two whose digests it names.
 */
final class PageTemplate {
  /** Of a page that compares runs. */
  static final List<String> RUN_SCRIPTS =
      List.of(
          "dom.js",
          "format.js",
          "theme.js",
          "chart.js",
          "runs.js",
          "tables.js",
          "losses.js",
          "routing.js",
          "efficiency.js",
          "timeline.js",
          "samples.js",
          "configuration.js",
          "masthead.js",
          "page.js");

  /** Of a page of evaluations. */
  static final List<String> EVALUATION_SCRIPTS =
      List.of("dom.js", "format.js", "theme.js", "chart.js", "evaluation.js");

  /** Of a page of plans. */
  static final List<String> PLAN_SCRIPTS =
      List.of("dom.js", "format.js", "theme.js", "chart.js", "masthead.js", "plan.js");

  private static final Pattern PLACEHOLDER = Pattern.compile("\\{\\{([a-z-]+)}}");

  private PageTemplate() {}

  /**
   * @param title plain text
   * @param json the data, which may hold any text
   * @param scripts resources that make up the page's own script
   */
  static String fill(String title, String json, List<String> scripts) {
    String library = resource("echarts/echarts.min.js");
    String script = scripts.stream().map(PageTemplate::resource).collect(Collectors.joining("\n"));
    String digests = "'sha256-" + digest(library) + "' 'sha256-" + digest(script) + "'";
    Map<String, String> parts =
        Map.of(
            "title",
            escaped(title),
            "style",
            resource("style.css"),
            "script-digests",
            digests,
            "data",
            embedded(json),
            "library",
            library,
            "script",
            script);
    // one pass: what a part holds is not looked through for placeholders
    return PLACEHOLDER
        .matcher(resource("template.html"))
        .replaceAll(found -> Matcher.quoteReplacement(parts.get(found.group(1))));
  }

  static String escaped(String text) {
    return text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("\"", "&quot;")
        .replace("'", "&#39;");
  }

  /** Inside a script element only "<" can end it; in JSON it occurs in strings alone. */
  private static String embedded(String json) {
    return json.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029");
  }

  private static String digest(String script) {
    try {
      byte[] sha256 =
          MessageDigest.getInstance("SHA-256").digest(script.getBytes(StandardCharsets.UTF_8));
      return Base64.getEncoder().encodeToString(sha256);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }

  private static String resource(String name) {
    try (InputStream in = PageTemplate.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IllegalStateException(name + " is missing from the build; run ./mvnw package");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException("could not read the page's part " + name, e);
    }
  }
}
