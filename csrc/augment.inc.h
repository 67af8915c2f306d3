/* Augmentation of a gathered batch, row by row: geometry, colours, boxes cut out, mixtures of
 * two rows, noise. What is drawn for a row is in image.inc.h. */

/* Indices of the pixels on either side of a place along an axis of n pixels, and their
 * weights; zero for those outside. The place is given from the axis' middle. Sums of conditions
 * instead of minima and maxima: gcc threads jumps through those, and the loop stays scalar. */
static CAVIAR_INLINE void NAME(neighbours)(int32_t *before, int32_t *after, real *weight_before,
                                           real *weight_after, real place, int32_t n) {
    const real reach = (real)0.5 * (real)(n + 1); /* of pixels that still count */
    const real t = NAME(clamp)(place, reach) + reach;
    const int32_t i = (int32_t)t; /* one more than the pixel before; in [0, n + 1] */
    const real f = t - (real)i;
    *before = i - 1 + (i < 1) - (i > n);
    *after = i - (i >= n) - (i > n);
    *weight_before = (1 - f) * (real)(1 - (i < 1) - (i > n));
    *weight_after = f * (real)(i < n);
}

/* PIXELS places of a line of the output: the four pixels round each, and their weights. */
typedef struct NAME(places) {
    int32_t at[4][PIXELS];
    real weight[4][PIXELS];
} NAME(places);

/* What does not change along a line: the place of the pixel dx columns from the centre is
 * offset + (1 + lens (dy^2 + dx^2)) (along_y + along_x dx) from it, on each axis. */
typedef struct NAME(line) {
    real offset[2], along_y[2], along_x[2], lens, lens_y, centre;
} NAME(line);

static CAVIAR_INLINE NAME(line)
    NAME(start_line)(const image_map *map, int64_t y, const caviar_augmentation *how) {
    const double middle[2] = {0.5 * (double)(how->height - 1), 0.5 * (double)(how->width - 1)};
    const double dy = (double)y - middle[0];
    NAME(line) line;
    for (int axis = 0; axis < 2; axis++) {
        line.offset[axis] = (real)map->offset[axis];
        line.along_y[axis] = (real)(map->linear[axis][0] * dy);
        line.along_x[axis] = (real)map->linear[axis][1];
    }
    line.lens = (real)map->lens;
    line.lens_y = (real)(1 + map->lens * dy * dy);
    line.centre = (real)middle[1];
    return line;
}

static CAVIAR_INLINE void NAME(locate)(NAME(places) *restrict places, const NAME(line) * line,
                                       int32_t first, int32_t height, int32_t width) {
    const NAME(line) l = *line;
#pragma omp simd
    for (int32_t i = 0; i < PIXELS; i++) {
        const real dx = (real)(first + i) - l.centre, q = l.lens_y + l.lens * dx * dx;
        const real row = l.offset[0] + q * (l.along_y[0] + l.along_x[0] * dx);
        const real column = l.offset[1] + q * (l.along_y[1] + l.along_x[1] * dx);
        int32_t up, down, left, right;
        real w_up, w_down, w_left, w_right;
        NAME(neighbours)(&up, &down, &w_up, &w_down, row, height);
        NAME(neighbours)(&left, &right, &w_left, &w_right, column, width);
        places->at[0][i] = up * width + left;
        places->at[1][i] = up * width + right;
        places->at[2][i] = down * width + left;
        places->at[3][i] = down * width + right;
        places->weight[0][i] = w_up * w_left;
        places->weight[1][i] = w_up * w_right;
        places->weight[2][i] = w_down * w_left;
        places->weight[3][i] = w_down * w_right;
    }
}

static CAVIAR_INLINE real NAME(sample)(const real *restrict image,
                                       const NAME(places) *restrict places, int32_t i,
                                       int64_t channels, int64_t c) {
    real sum = 0;
    for (int k = 0; k < 4; k++)
        sum += places->weight[k][i] * image[places->at[k][i] * channels + c];
    return sum;
}

/* Bilinear sampling of `image`, zero outside of it. */
static CAVIAR_INLINE void NAME(warp)(real *restrict out, const real *restrict image,
                                     const image_map *map, const caviar_augmentation *how,
                                     const int64_t channels) {
    const int32_t width = (int32_t)how->width, height = (int32_t)how->height;
    for (int32_t y = 0; y < height; y++) {
        const NAME(line) line = NAME(start_line)(map, y, how);
        for (int32_t first = 0; first < width; first += PIXELS) {
            const int32_t n = width - first < PIXELS ? width - first : PIXELS;
            NAME(places) places;
            NAME(locate)(&places, &line, first, height, width);
            for (int32_t i = 0; i < n; i++)
                for (int64_t c = 0; c < channels; c++)
                    *out++ = NAME(sample)(image, &places, i, channels, c);
        }
    }
}

static void NAME(warp_images)(real *X, real *X_spare, const caviar_augmentation *how,
                              const philox_state *state, int64_t B, int64_t I) {
    for (int64_t r = 0; r < B; r++) {
        image_map map;
        draw_map(&map, state, r, how);
        if (is_identity(&map))
            continue;
        memcpy(X_spare + r * I, X + r * I, (size_t)I * sizeof(real));
        if (how->channels == 1)
            NAME(warp)(X + r * I, X_spare + r * I, &map, how, 1);
        else
            NAME(warp)(X + r * I, X_spare + r * I, &map, how, how->channels);
    }
}

/* x = brightness * x; x = mean + contrast * (x - mean), the mean of the image; with three
 * channels x = grey + saturation * (x - grey), grey by ITU-R BT.601. */
static void NAME(jitter_colours)(real *X, const caviar_augmentation *how, const philox_state *state,
                                 int64_t B, int64_t I) {
    for (int64_t r = 0; r < B; r++) {
        double u[3], sum = 0;
        uniforms(u, state, r, 3);
        const double brightness = between(u[0], 1 - how->brightness, 1 + how->brightness);
        const double contrast = between(u[1], 1 - how->contrast, 1 + how->contrast);
        real *restrict x = X + r * I;
        if (how->contrast > 0) {
#pragma omp simd reduction(+ : sum)
            for (int64_t i = 0; i < I; i++)
                sum += (double)x[i];
        }
        const real factor = (real)(brightness * contrast);
        const real shift = (real)(brightness * (1 - contrast) * sum / (double)I);
#pragma omp simd
        for (int64_t i = 0; i < I; i++)
            x[i] = x[i] * factor + shift;
        if (how->saturation > 0) {
            const real s = (real)between(u[2], 1 - how->saturation, 1 + how->saturation);
            for (int64_t i = 0; i < I; i += 3) {
                const real grey =
                    (real)0.299 * x[i] + (real)0.587 * x[i + 1] + (real)0.114 * x[i + 2];
                for (int c = 0; c < 3; c++)
                    x[i + c] = grey + s * (x[i + c] - grey);
            }
        }
    }
}

/* `image` gets the pixels of `source` in the box, or zeros where that is NULL. */
static CAVIAR_INLINE void NAME(fill_box)(real *image, const real *source, const image_box *box,
                                         const caviar_augmentation *how) {
    const size_t n = (size_t)((box->right - box->left) * how->channels) * sizeof(real);
    for (int64_t y = box->top; y < box->bottom; y++) {
        const int64_t at = (y * how->width + box->left) * how->channels;
        if (source)
            memcpy(image + at, source + at, n);
        else
            memset(image + at, 0, n); /* all bits zero are 0.0 */
    }
}

static void NAME(cut_out)(real *X, const caviar_augmentation *how, const philox_state *state,
                          int64_t B, int64_t I) {
    for (int64_t r = 0; r < B; r++) {
        double u[3];
        uniforms(u, state, r, 3);
        if (u[0] >= how->cutout)
            continue;
        const image_box box = draw_box(u[1], u[2], how->cutout_size, how->cutout_size, how);
        NAME(fill_box)(X + r * I, NULL, &box, how);
    }
}

/* out = (1 - share) * row + share * partner, of n entries. */
static CAVIAR_INLINE void NAME(blend)(real *restrict out, const real *restrict row,
                                      const real *restrict partner, double share, int64_t n) {
    const real a = (real)(1 - share), b = (real)share;
#pragma omp simd
    for (int64_t c = 0; c < n; c++)
        out[c] = a * row[c] + b * partner[c];
}

/* Mixup (Zhang et al. 2018) and, with `cut`, CutMix (Yun et al. 2019). The partner of row r is
 * row (r + shift) % B, one shift for all rows; a partner of weight zero is left alone. */
static void NAME(mix)(real *X, real *Y, const real *weights, real *X_spare, real *Y_spare,
                      const caviar_augmentation *how, int cut, const philox_state *state, int64_t B,
                      int64_t I, int64_t K) {
    const double *table = cut ? how->cutmix_shares : how->mixup_shares;
    double u[5];
    uniforms(u, state, 0, 5);
    const int64_t shift = 1 + (int64_t)(u[4] * (double)(B - 1));
    memcpy(X_spare, X, (size_t)(B * I) * sizeof(real));
    memcpy(Y_spare, Y, (size_t)(B * K) * sizeof(real));
    for (int64_t r = 0; r < B; r++) {
        const int64_t partner = (r + shift) % B;
        uniforms(u, state, r, 4);
        if (u[0] >= (cut ? how->cutmix : how->mixup) || (weights && weights[partner] == 0))
            continue;
        double share = quantile_of(table, u[1]);
        if (cut) {
            const double side = sqrt(share);
            const image_box box = draw_box(u[2], u[3], (int64_t)(side * (double)how->height + 0.5),
                                           (int64_t)(side * (double)how->width + 0.5), how);
            NAME(fill_box)(X + r * I, X_spare + partner * I, &box, how);
            share = (double)((box.bottom - box.top) * (box.right - box.left)) /
                    (double)(how->height * how->width);
        } else {
            NAME(blend)(X + r * I, X_spare + r * I, X_spare + partner * I, share, I);
        }
        NAME(blend)(Y + r * K, Y_spare + r * K, Y_spare + partner * K, share, K);
    }
}

static void NAME(drop_features)(real *X, int64_t keep, const philox_state *state, int64_t B,
                                int64_t I) {
    enum { N = 8 * PHILOX_BUFFER };
    const uint16_t last = (uint16_t)(keep - 1);
    for (int64_t r = 0; r < B; r++)
        for (int64_t start = 0; start < I; start += N) {
            const int64_t n = I - start < N ? I - start : N;
            philox_bits bits;
            uint8_t kept[N];
            philox_fill(&bits, state, (uint32_t)(start / 8), (uint32_t)r, (n + 7) / 8);
#pragma omp simd
            for (int64_t c = 0; c < n; c++)
                kept[c] = bits.halves[c] <= last;
            real *x = X + r * I + start;
            NAME(mask_row)(x, kept, x, 1, n);
        }
}

static void NAME(augment)(void *X, void *Y, const void *weights, void *X_spare, void *Y_spare,
                          const caviar_augmentation *how, const caviar_draw *draw, int64_t B,
                          int64_t I, int64_t K) {
    philox_state states[CAVIAR_N_AUGMENT_STREAMS];
    for (uint32_t i = 0; i < CAVIAR_N_AUGMENT_STREAMS; i++) {
        const caviar_draw own = {draw->seed, draw->step, draw->stream + i};
        philox_start(&states[i], &own);
    }
    if (how->warp)
        NAME(warp_images)(X, X_spare, how, &states[CAVIAR_WARP_STREAM], B, I);
    if (how->brightness > 0 || how->contrast > 0 || how->saturation > 0)
        NAME(jitter_colours)(X, how, &states[CAVIAR_COLOUR_STREAM], B, I);
    if (how->cutout > 0)
        NAME(cut_out)(X, how, &states[CAVIAR_CUTOUT_STREAM], B, I);
    if (how->cutmix > 0 && B > 1)
        NAME(mix)(X, Y, weights, X_spare, Y_spare, how, 1, &states[CAVIAR_CUTMIX_STREAM], B, I, K);
    if (how->mixup > 0 && B > 1)
        NAME(mix)(X, Y, weights, X_spare, Y_spare, how, 0, &states[CAVIAR_MIXUP_STREAM], B, I, K);
    if (how->noise > 0)
        for (int64_t r = 0; r < B; r++)
            NAME(add_normals)((real *)X + r * I, &states[CAVIAR_NOISE_STREAM], (uint32_t)r,
                              (real)how->noise, I);
    if (how->feature_keep > 0)
        NAME(drop_features)(X, how->feature_keep, &states[CAVIAR_FEATURE_STREAM], B, I);
}
